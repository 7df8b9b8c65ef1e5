-- One agency's list compared with the register (数据比对).
CREATE TABLE comparison (
    id             UUID PRIMARY KEY,
    source         TEXT NOT NULL,             -- health.cases | health.contacts | medical.self_pay | education.dropouts | housing.dangerous | jobs.ended
    file_name      TEXT NOT NULL,
    sha256         TEXT NOT NULL,
    as_of          TEXT NOT NULL,
    purpose        TEXT NOT NULL,
    retention_until TEXT NOT NULL,            -- rows that matched nobody go on this day
    division_code  TEXT NOT NULL,
    state          TEXT NOT NULL,             -- running | done | failed
    mapping        TEXT NOT NULL,
    rows_total     BIGINT NOT NULL DEFAULT 0,
    rows_held      BIGINT NOT NULL DEFAULT 0,
    rows_new       BIGINT NOT NULL DEFAULT 0, -- keys seen for the first time
    rows_revised   BIGINT NOT NULL DEFAULT 0, -- newer revisions of known keys
    rows_same      BIGINT NOT NULL DEFAULT 0, -- known and unchanged: nothing written
    held           TEXT NOT NULL DEFAULT '[]', -- JSON array: rows that could not be read, values masked
    rows_matched   BIGINT NOT NULL DEFAULT 0, -- 一致
    rows_review    BIGINT NOT NULL DEFAULT 0, -- 待核实
    rows_unmatched BIGINT NOT NULL DEFAULT 0, -- 未匹配
    job_id         UUID,
    error          TEXT,
    created_by     UUID,
    created_at     BIGINT NOT NULL,
    finished_at    BIGINT
);
CREATE INDEX comparison_sha ON comparison (sha256, source);

-- One line of an agency's list. A revised card (订正) has the same row_key and a higher revision.
CREATE TABLE list_row (
    id            UUID PRIMARY KEY,
    comparison_id UUID NOT NULL,
    source        TEXT NOT NULL,
    row_key       TEXT NOT NULL,              -- 卡片编号, or a fingerprint of the row where a list has no key
    revision      BIGINT NOT NULL,
    current       BOOLEAN NOT NULL,           -- the newest revision of its key
    division_code TEXT NOT NULL,              -- where the row says the person lives, as far as it resolves, else the comparison's
    kind          TEXT NOT NULL,              -- signal kind that the row means: epidemic.confirmed ...
    fact_date     TEXT NOT NULL,              -- the day that the fact is true for
    name          TEXT NOT NULL,
    cluster       TEXT NOT NULL DEFAULT '',   -- 聚集性疫情编号, not personal
    fields_enc    BYTEA NOT NULL,             -- JSON of all columns, encrypted: health facts and numbers
    fingerprint   BIGINT NOT NULL,
    identity      BIGINT NOT NULL DEFAULT 0,  -- fingerprint of who it is about: a revision of the same person keeps its match
    outcome       TEXT NOT NULL,              -- matched | review | unmatched | withdrawn
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    UNIQUE (source, row_key, revision)
);
CREATE INDEX list_row_comparison ON list_row (comparison_id, outcome);
CREATE INDEX list_row_key ON list_row (source, row_key);
CREATE INDEX list_row_kind ON list_row (kind, division_code);

-- A registered person (or household, or helper) that a list row may be.
CREATE TABLE match_candidate (
    id            UUID PRIMARY KEY,
    list_row_id   UUID NOT NULL,
    comparison_id UUID NOT NULL,
    subject       TEXT NOT NULL,              -- person | household | helper | team_member
    subject_id    UUID NOT NULL,
    household_id  UUID,
    division_code TEXT NOT NULL,              -- of the registered side
    tier          TEXT NOT NULL,              -- id_exact | id_repaired | id_name_differs | name_birth_place | name_phone | household | ...
    score         DOUBLE PRECISION NOT NULL,  -- 0..100
    explanation   TEXT NOT NULL,              -- JSON array of {field, level, points}
    signature     TEXT NOT NULL DEFAULT '',   -- the levels in one text: candidates that look alike are decided together
    verdict       TEXT NOT NULL,              -- auto | pending | confirmed | rejected | superseded
    decided_by    UUID,
    decided_at    BIGINT,
    note          TEXT NOT NULL DEFAULT ''
);
CREATE INDEX match_candidate_row ON match_candidate (list_row_id);
CREATE INDEX match_candidate_verdict ON match_candidate (verdict, division_code);
CREATE INDEX match_candidate_comparison ON match_candidate (comparison_id, verdict);

-- One dated fact about a person or household from outside the register (信号).
CREATE TABLE signal (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,              -- epidemic.confirmed ...
    subject       TEXT NOT NULL,              -- person | household | helper | team_member
    subject_id    UUID NOT NULL,
    person_id     UUID,
    household_id  UUID,
    division_code TEXT NOT NULL,
    fact_date     TEXT NOT NULL,
    learnt_at     BIGINT NOT NULL,
    value         TEXT NOT NULL DEFAULT '{}', -- JSON: amounts, grades; no personal data
    probability   DOUBLE PRECISION NOT NULL,  -- of the match, 0..1
    source        TEXT NOT NULL,
    row_key       TEXT NOT NULL,              -- stays the same over revisions
    list_row_id   UUID,
    match_id      UUID,
    version       BIGINT NOT NULL,
    state         TEXT NOT NULL,              -- active | superseded | withdrawn
    state_reason  TEXT NOT NULL DEFAULT '',
    state_at      BIGINT NOT NULL
);
CREATE INDEX signal_household ON signal (household_id, state);
CREATE INDEX signal_kind ON signal (state, kind, division_code);
CREATE INDEX signal_key ON signal (source, row_key);
