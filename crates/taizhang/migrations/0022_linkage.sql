-- Who is in the register more than once (登记重复). A run holds the persons of a scope against each other.
CREATE TABLE duplicate_run (
    id            UUID PRIMARY KEY,
    division_code TEXT NOT NULL,             -- whose persons
    persons       BIGINT NOT NULL,
    compared      BIGINT NOT NULL,           -- pairs compared
    found         BIGINT NOT NULL,           -- pairs that may be one person
    added         BIGINT NOT NULL,           -- of these for the first time
    gone          BIGINT NOT NULL,           -- pairs known before that are none any more
    clusters      BIGINT NOT NULL,
    recall        DOUBLE PRECISION,          -- share of the duplicates that the search rules are thought to find
    rules         TEXT NOT NULL,             -- JSON: what each search rule found
    model_version BIGINT NOT NULL,
    created_by    UUID,
    finished_at   BIGINT NOT NULL
);
CREATE INDEX duplicate_run_division ON duplicate_run (division_code, finished_at);

-- Two registered persons who may be one; left_id < right_id. Who sees a pair has one of its two divisions in scope, who
-- decides it has both.
CREATE TABLE duplicate_pair (
    id             UUID PRIMARY KEY,
    left_id        UUID NOT NULL,
    right_id       UUID NOT NULL,
    left_no        TEXT NOT NULL,            -- 人口编号: also when the person is registered no more
    right_no       TEXT NOT NULL,
    left_division  TEXT NOT NULL,
    right_division TEXT NOT NULL,
    tier           TEXT NOT NULL,
    score          DOUBLE PRECISION NOT NULL, -- bits
    explanation    TEXT NOT NULL,            -- JSON array of {field, level, bits}
    signature      TEXT NOT NULL,
    cluster        TEXT NOT NULL,            -- 人口编号 of the first of the rows that are one person; '' where others speak against it
    model_version  BIGINT NOT NULL,
    present        BOOLEAN NOT NULL,         -- whether the last run over both found it
    first_run      UUID NOT NULL,
    last_run       UUID NOT NULL,
    found_at       BIGINT NOT NULL,
    gone_at        BIGINT,
    verdict        TEXT NOT NULL,            -- pending | same | different
    keep           TEXT NOT NULL,            -- of the same person: left | right is the record that stays
    decided_by     UUID,
    decided_name   TEXT NOT NULL,
    decided_at     BIGINT,
    note           TEXT NOT NULL,
    UNIQUE (left_id, right_id)
);
CREATE INDEX duplicate_pair_left ON duplicate_pair (left_division, verdict);
CREATE INDEX duplicate_pair_right ON duplicate_pair (right_division, verdict);
CREATE INDEX duplicate_pair_right_id ON duplicate_pair (right_id);

-- Models of the comparison that verdicts made, and which of them was put in force when (0: the one that comes along).
CREATE TABLE linkage_model (
    version    BIGINT PRIMARY KEY,           -- from 1
    model      TEXT NOT NULL,                -- TOML
    base       BIGINT NOT NULL,              -- the version that the verdicts were put into
    labels     BIGINT NOT NULL,
    same       BIGINT NOT NULL,
    report     TEXT NOT NULL,                -- JSON: what it promises on the verdicts, and on verdicts held out
    made_by    UUID,
    made_name  TEXT NOT NULL,
    made_at    BIGINT NOT NULL
);
CREATE TABLE linkage_model_use (
    seq        BIGINT PRIMARY KEY,           -- the last one is in force
    version    BIGINT NOT NULL,
    reason     TEXT NOT NULL,
    used_by    UUID,
    used_name  TEXT NOT NULL,
    used_at    BIGINT NOT NULL
);

-- By which model a candidate was weighed, and which version of the record of a person or household it was weighed with.
ALTER TABLE match_candidate ADD COLUMN model_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE match_candidate ADD COLUMN subject_version BIGINT NOT NULL DEFAULT 0; -- 0: not known
UPDATE match_candidate SET subject_version = COALESCE((SELECT p.version FROM person p WHERE p.id = match_candidate.subject_id), 0)
    WHERE subject = 'person' AND verdict IN ('auto', 'confirmed');

-- Why a row that was matched waits for a person again: '' | gone | changed | rival.
ALTER TABLE list_row ADD COLUMN reopened TEXT NOT NULL DEFAULT '';

-- What the search rules did for a comparison.
ALTER TABLE comparison ADD COLUMN recall DOUBLE PRECISION;              -- share of matches that they are thought to find
ALTER TABLE comparison ADD COLUMN pairs_compared BIGINT NOT NULL DEFAULT 0;
ALTER TABLE comparison ADD COLUMN pairs_likely BIGINT NOT NULL DEFAULT 0; -- pairs that are more likely one person than not
CREATE TABLE comparison_rule (
    comparison_id UUID NOT NULL,
    rule          TEXT NOT NULL,
    pairs         BIGINT NOT NULL,           -- pairs that it found
    pairs_alone   BIGINT NOT NULL,           -- that no other rule found
    matches       BIGINT NOT NULL,           -- pairs more likely one person than not
    matches_alone BIGINT NOT NULL,           -- of these, found by no other rule
    crowded_rows  BIGINT NOT NULL,           -- rows left out under keys that too many share
    PRIMARY KEY (comparison_id, rule)
);
