-- One file brought in (导入批次).
CREATE TABLE import (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,              -- division | household | person | income | monitoring | helper | work_team
    file_name     TEXT NOT NULL,
    sha256        TEXT NOT NULL,
    bytes         BIGINT NOT NULL,
    as_of         TEXT NOT NULL,
    source_unit   TEXT NOT NULL,              -- 填报单位
    purpose       TEXT NOT NULL,
    division_code TEXT NOT NULL,              -- scope of the user who brought it
    state         TEXT NOT NULL,              -- staged | committed | discarded | failed
    mapping       TEXT NOT NULL,              -- JSON: header found -> field, missing, extra
    rows_total    BIGINT NOT NULL DEFAULT 0,
    rows_held     BIGINT NOT NULL DEFAULT 0,  -- kept back by an error
    rows_doubtful BIGINT NOT NULL DEFAULT 0,
    rows_new      BIGINT NOT NULL DEFAULT 0,
    rows_changed  BIGINT NOT NULL DEFAULT 0,
    rows_same     BIGINT NOT NULL DEFAULT 0,
    job_id        UUID,
    error         TEXT,
    created_by    UUID,
    created_at    BIGINT NOT NULL,
    committed_at  BIGINT
);
CREATE INDEX import_sha ON import (sha256, kind);

-- One hit of a quality rule (疑点数据) or a row that could not be read.
CREATE TABLE import_issue (
    id            UUID PRIMARY KEY,
    import_id     UUID NOT NULL,
    rule_id       TEXT NOT NULL,
    severity      TEXT NOT NULL,              -- error | doubt
    division_code TEXT NOT NULL,              -- '' if the row's division is unknown
    household_no  TEXT NOT NULL,
    person_no     TEXT NOT NULL,
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    field         TEXT NOT NULL,              -- standard header
    value_masked  TEXT NOT NULL,
    detail        TEXT NOT NULL DEFAULT ''    -- JSON: arguments of the rule's text
);
CREATE INDEX import_issue_import ON import_issue (import_id, rule_id);

-- A row held back by an error, as it came, encrypted: nothing of a file is lost.
CREATE TABLE import_held_row (
    import_id UUID NOT NULL,
    sheet     TEXT NOT NULL,
    line      BIGINT NOT NULL,
    raw_enc   BYTEA NOT NULL,
    PRIMARY KEY (import_id, sheet, line)
);
