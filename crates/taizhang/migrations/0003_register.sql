-- Administrative divisions (行政区划) with the dates between which a code is valid.
-- Codes are digits; a child's code starts with its parent's (2, 4, 6, 9, 12, 14 long), so that a subtree is a text range.
CREATE TABLE division (
    code        TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    full_name   TEXT NOT NULL,               -- 省市县乡村 joined, for search and display
    parent_code TEXT NOT NULL,               -- '' for a province
    level       BIGINT NOT NULL,             -- 1 province 2 city 3 county 4 township 5 village 6 group
    pinyin      TEXT NOT NULL DEFAULT '',
    initials    TEXT NOT NULL DEFAULT '',
    urban_rural TEXT NOT NULL DEFAULT '',    -- 城乡分类代码
    valid_from  TEXT NOT NULL DEFAULT '',
    valid_to    TEXT NOT NULL DEFAULT '',    -- '' while in force
    import_id   UUID
);
CREATE INDEX division_parent ON division (parent_code);
CREATE INDEX division_name ON division (name);
CREATE INDEX division_pinyin ON division (pinyin);
CREATE INDEX division_initials ON division (initials);

-- Former codes and names of a division.
CREATE TABLE division_alias (
    alias_code TEXT NOT NULL,
    alias_name TEXT NOT NULL,
    code       TEXT NOT NULL,                -- the code in force now
    valid_from TEXT NOT NULL DEFAULT '',
    valid_to   TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (alias_code, alias_name, code)
);
CREATE INDEX division_alias_name ON division_alias (alias_name);

-- One registered household (建档立卡户 / 监测对象户), newest version.
CREATE TABLE household (
    id               UUID PRIMARY KEY,
    household_no     TEXT NOT NULL UNIQUE,   -- 户编号
    division_code    TEXT NOT NULL,          -- village or group
    head_name        TEXT NOT NULL,          -- 户主姓名
    head_person_no   TEXT NOT NULL DEFAULT '',
    member_count     BIGINT NOT NULL,        -- 家庭人口数 as the file says
    kind             TEXT NOT NULL DEFAULT '',   -- 户类型
    registration     TEXT NOT NULL DEFAULT '',   -- 脱贫属性 / 监测对象类别: what makes it registered
    main_cause       TEXT NOT NULL DEFAULT '',   -- 主要致贫原因
    phone_enc        BYTEA,
    phone_index      BIGINT,                 -- blind index of the phone
    housing_grade    TEXT NOT NULL DEFAULT '',   -- 危房级别 A-D
    dangerous_house  BOOLEAN,
    safe_water       BOOLEAN,
    attrs            TEXT NOT NULL,          -- JSON object of the remaining columns by standard header
    version          BIGINT NOT NULL,
    fingerprint      BIGINT NOT NULL,        -- of all fields: an equal row is not a new version
    import_id        UUID NOT NULL,
    sheet            TEXT NOT NULL,
    line             BIGINT NOT NULL,        -- 1-based line or row of the sheet
    as_of            TEXT NOT NULL,          -- the day that the file speaks of
    recorded_at      BIGINT NOT NULL
);
CREATE INDEX household_division ON household (division_code);
CREATE INDEX household_phone ON household (phone_index);

-- One person of a registered household, newest version.
CREATE TABLE person (
    id             UUID PRIMARY KEY,
    person_no      TEXT NOT NULL UNIQUE,     -- 人口编号
    household_id   UUID NOT NULL,
    division_code  TEXT NOT NULL,            -- of the household
    name           TEXT NOT NULL,            -- as written
    name_folded    TEXT NOT NULL,            -- codes::name::fold
    pinyin         TEXT NOT NULL,
    initials       TEXT NOT NULL,
    sex            TEXT NOT NULL,            -- male | female | ''
    birth_date     TEXT NOT NULL,            -- ISO day, '' if unknown
    id_kind        TEXT NOT NULL,            -- citizen | disability20 | disability22 | other | none
    id_enc         BYTEA,                    -- the number as written, encrypted
    id_index       BIGINT,                   -- blind index of the first 18 characters
    phone_enc      BYTEA,
    phone_index    BIGINT,
    relation       TEXT NOT NULL,            -- 与户主关系
    is_head        BOOLEAN NOT NULL,
    labour         TEXT NOT NULL DEFAULT '', -- 劳动技能
    health         TEXT NOT NULL DEFAULT '', -- 健康状况, several joined by ,
    education      TEXT NOT NULL DEFAULT '', -- 文化程度
    schooling      TEXT NOT NULL DEFAULT '', -- 在校生状况
    work_place     TEXT NOT NULL DEFAULT '', -- 务工所在地 as written
    work_division  TEXT NOT NULL DEFAULT '', -- county code of the work place where it resolves
    work_employer  TEXT NOT NULL DEFAULT '', -- 务工企业名称
    work_months    BIGINT,                   -- 务工时间(月)
    attrs          TEXT NOT NULL,
    version        BIGINT NOT NULL,
    fingerprint    BIGINT NOT NULL,
    import_id      UUID NOT NULL,
    sheet          TEXT NOT NULL,
    line           BIGINT NOT NULL,
    as_of          TEXT NOT NULL,
    recorded_at    BIGINT NOT NULL
);
CREATE INDEX person_household ON person (household_id);
CREATE INDEX person_division ON person (division_code);
CREATE INDEX person_id_index ON person (id_index);
CREATE INDEX person_phone ON person (phone_index);
CREATE INDEX person_name ON person (name_folded);
CREATE INDEX person_pinyin ON person (pinyin);
CREATE INDEX person_initials ON person (initials);
CREATE INDEX person_work_division ON person (work_division);

-- Household income of one collection year (年度), yuan.
CREATE TABLE household_income (
    household_id  UUID NOT NULL,
    year          BIGINT NOT NULL,
    division_code TEXT NOT NULL,
    wage          DOUBLE PRECISION NOT NULL,   -- 工资性收入
    operating     DOUBLE PRECISION NOT NULL,   -- 生产经营性收入
    property      DOUBLE PRECISION NOT NULL,   -- 财产性收入
    transfer      DOUBLE PRECISION NOT NULL,   -- 转移性收入
    cost          DOUBLE PRECISION NOT NULL,   -- 生产经营性支出
    net           DOUBLE PRECISION NOT NULL,   -- 纯收入
    per_capita    DOUBLE PRECISION NOT NULL,   -- 人均纯收入
    items         TEXT NOT NULL,               -- JSON: every leaf of the income tree by standard header
    version       BIGINT NOT NULL,
    fingerprint   BIGINT NOT NULL,
    import_id     UUID NOT NULL,
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    as_of         TEXT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    PRIMARY KEY (household_id, year)
);

-- A household under monitoring (监测对象).
CREATE TABLE monitoring (
    household_id     UUID PRIMARY KEY,
    division_code    TEXT NOT NULL,
    kind             TEXT NOT NULL,            -- 脱贫不稳定户 | 边缘易致贫户 | 突发严重困难户
    identified_month TEXT NOT NULL,            -- YYYY-MM, '' if missing
    risks            TEXT NOT NULL,            -- JSON array of risk labels, main first
    eliminated       BOOLEAN NOT NULL,
    eliminated_month TEXT NOT NULL,
    attrs            TEXT NOT NULL,
    version          BIGINT NOT NULL,
    fingerprint      BIGINT NOT NULL,
    import_id        UUID NOT NULL,
    sheet            TEXT NOT NULL,
    line             BIGINT NOT NULL,
    as_of            TEXT NOT NULL,
    recorded_at      BIGINT NOT NULL
);
CREATE INDEX monitoring_division ON monitoring (division_code);

-- The person answerable for helping a household (帮扶责任人).
CREATE TABLE helper (
    id            UUID PRIMARY KEY,
    household_id  UUID NOT NULL,
    division_code TEXT NOT NULL,
    name          TEXT NOT NULL,
    name_folded   TEXT NOT NULL,
    sex           TEXT NOT NULL,
    unit          TEXT NOT NULL,              -- 帮扶(选派)单位名称
    id_index      BIGINT,
    phone_enc     BYTEA,
    phone_index   BIGINT,
    start_date    TEXT NOT NULL,
    end_date      TEXT NOT NULL,              -- '' while serving
    attrs         TEXT NOT NULL,
    version       BIGINT NOT NULL,
    fingerprint   BIGINT NOT NULL,
    import_id     UUID NOT NULL,
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    as_of         TEXT NOT NULL,
    recorded_at   BIGINT NOT NULL
);
CREATE INDEX helper_household ON helper (household_id);
CREATE INDEX helper_phone ON helper (phone_index);
CREATE INDEX helper_name ON helper (name_folded);

-- A member of a village's work team (驻村工作队).
CREATE TABLE work_team_member (
    id            UUID PRIMARY KEY,
    team          TEXT NOT NULL,
    division_code TEXT NOT NULL,              -- the village
    name          TEXT NOT NULL,
    name_folded   TEXT NOT NULL,
    role          TEXT NOT NULL,              -- 第一书记 | 队长 | 队员
    unit          TEXT NOT NULL,
    id_index      BIGINT,
    phone_enc     BYTEA,
    phone_index   BIGINT,
    start_date    TEXT NOT NULL,
    end_date      TEXT NOT NULL,
    attrs         TEXT NOT NULL,
    version       BIGINT NOT NULL,
    fingerprint   BIGINT NOT NULL,
    import_id     UUID NOT NULL,
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    as_of         TEXT NOT NULL,
    recorded_at   BIGINT NOT NULL
);
CREATE INDEX work_team_member_division ON work_team_member (division_code);
CREATE INDEX work_team_member_phone ON work_team_member (phone_index);

-- Employers, assisting enterprises, helping units (用工单位, 带贫主体, 帮扶单位).
CREATE TABLE organisation (
    id            UUID PRIMARY KEY,
    credit_code   TEXT NOT NULL,              -- '' if unknown
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,              -- employer | helper_unit | assisting
    division_code TEXT NOT NULL,
    import_id     UUID,
    recorded_at   BIGINT NOT NULL,
    UNIQUE (name, kind)
);

-- Superseded versions of any record, as JSON; encrypted fields stay encrypted (base64).
CREATE TABLE record_version (
    id            UUID PRIMARY KEY,
    entity        TEXT NOT NULL,              -- household | person | household_income | monitoring | helper | work_team_member
    entity_id     UUID NOT NULL,
    version       BIGINT NOT NULL,
    division_code TEXT NOT NULL,
    data          TEXT NOT NULL,
    import_id     UUID NOT NULL,              -- that wrote this version
    as_of         TEXT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    superseded_at BIGINT NOT NULL,
    superseded_by UUID NOT NULL               -- import that replaced it
);
CREATE INDEX record_version_entity ON record_version (entity, entity_id, version);

-- Households, persons and monitored households per village, written by the transaction that changes the register.
CREATE TABLE register_rollup (
    division_code TEXT PRIMARY KEY,
    households    BIGINT NOT NULL,
    persons       BIGINT NOT NULL,
    monitored     BIGINT NOT NULL
);
