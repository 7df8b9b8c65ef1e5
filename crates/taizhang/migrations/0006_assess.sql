-- Policy profiles as loaded, every version kept (政策口径).
CREATE TABLE policy_profile (
    id        UUID PRIMARY KEY,
    key       TEXT NOT NULL,                  -- 2020-epidemic
    version   BIGINT NOT NULL,
    sha256    TEXT NOT NULL,
    source    TEXT NOT NULL,                  -- the TOML text
    active    BOOLEAN NOT NULL,
    loaded_by UUID,
    loaded_at BIGINT NOT NULL,
    UNIQUE (key, version)
);

-- Epidemic risk tier of a county on a day (县级疫情风险等级).
CREATE TABLE county_tier (
    county_code TEXT NOT NULL,
    on_date     TEXT NOT NULL,
    tier        TEXT NOT NULL,                -- low | medium | high
    since       TEXT NOT NULL,                -- first day of that tier, '' where it has always been so
    cumulative  BIGINT NOT NULL,              -- confirmed cases to date
    recent      BIGINT NOT NULL,              -- newly confirmed in the window
    cluster     BOOLEAN NOT NULL,             -- a cluster within the window
    profile_id  UUID NOT NULL,
    PRIMARY KEY (county_code, on_date)
);

-- What a rule concludes (研判结论). finding_key = rule and what it is about, so that a run is repeatable.
CREATE TABLE finding (
    id            UUID PRIMARY KEY,
    finding_key   TEXT NOT NULL UNIQUE,
    rule_id       TEXT NOT NULL,
    subject       TEXT NOT NULL,              -- household | person | helper | team_member | county
    subject_id    TEXT NOT NULL,
    household_id  UUID,
    person_id     UUID,
    division_code TEXT NOT NULL,
    level         TEXT NOT NULL,              -- notice | affected | severe
    since         TEXT NOT NULL,
    until         TEXT NOT NULL,              -- '' while it holds
    evidence      TEXT NOT NULL,              -- JSON array: what the rule read
    state         TEXT NOT NULL,              -- open | ended
    profile_id    UUID NOT NULL,
    first_at      BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    end_reason    TEXT NOT NULL DEFAULT '',   -- JSON: why it no longer holds
    version       BIGINT NOT NULL,            -- +1 at each change: the ledger knows what it has seen
    episode       BIGINT NOT NULL             -- 1, +1 each time that it comes back after it had ended
);
CREATE INDEX finding_household ON finding (household_id);
CREATE INDEX finding_rule ON finding (state, rule_id, division_code);
CREATE INDEX finding_division ON finding (division_code);

-- One row: whoever evaluates takes it first, so that runs follow one another. since_ms is when the last one began.
CREATE TABLE assess_turn (
    id       BIGINT PRIMARY KEY,
    since_ms BIGINT NOT NULL
);
INSERT INTO assess_turn (id, since_ms) VALUES (1, 0);

-- Signals of helpers and work teams, and signals changed lately, are asked for by themselves.
CREATE INDEX signal_subject ON signal (subject, state_at);
