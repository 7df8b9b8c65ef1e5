-- Running numbers of monitoring cases, by county and year.
CREATE TABLE monitor_number (
    county_code TEXT NOT NULL,
    year        BIGINT NOT NULL,
    last        BIGINT NOT NULL,
    PRIMARY KEY (county_code, year)
);

-- The monitoring case of one household (监测对象认定): one for ever, in rounds.
CREATE TABLE monitor_case (
    id            UUID PRIMARY KEY,
    number        TEXT NOT NULL UNIQUE,
    subject_key   TEXT NOT NULL UNIQUE,      -- h:household | i:blind index of the applicant's number | e:first event
    household_id  UUID,                      -- none while the applicant is not in the register
    division_code TEXT NOT NULL,
    head_name     TEXT NOT NULL,
    id_enc        BYTEA,                     -- of an applicant who is not in the register
    id_index      BIGINT,
    phone_enc     BYTEA,
    origin        TEXT NOT NULL,             -- application | visit | warning | register
    state         TEXT NOT NULL,             -- of the policy profile
    phase         TEXT NOT NULL,             -- identify | monitored | eliminate | eliminated | ended
    round         BIGINT NOT NULL,
    kind          TEXT NOT NULL,             -- type of monitored household; '' before it is decided
    main_risk     TEXT NOT NULL,
    risks         TEXT NOT NULL,             -- JSON array, the main one first
    green         BOOLEAN NOT NULL,          -- 绿色通道: help came first
    opened_on     TEXT NOT NULL,             -- first day of the round
    state_since   TEXT NOT NULL,
    decide_by     TEXT NOT NULL,             -- '' where nothing is to be decided
    deadline      TEXT NOT NULL,             -- '' where nothing is due
    marked_on     TEXT NOT NULL,             -- 标注
    eliminated_on TEXT NOT NULL,
    notice_from   TEXT NOT NULL,
    notice_to     TEXT NOT NULL,
    profile       TEXT NOT NULL,             -- key and version that the last step went by
    version       BIGINT NOT NULL,           -- +1 at each change: a stale form is refused
    updated_at    BIGINT NOT NULL
);
CREATE INDEX monitor_case_division ON monitor_case (division_code, phase, deadline);
CREATE INDEX monitor_case_household ON monitor_case (household_id);
CREATE INDEX monitor_case_id_index ON monitor_case (id_index);

-- Everything that ever happened to a case.
CREATE TABLE monitor_event (
    id            UUID PRIMARY KEY,          -- made by whoever acts: a repeated request changes nothing
    case_id       UUID NOT NULL,
    seq           BIGINT NOT NULL,
    round         BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    day           TEXT NOT NULL,             -- the day that it is true for
    division_code TEXT NOT NULL,             -- of the case at that time
    actor_id      UUID,
    actor_name    TEXT NOT NULL,
    action        TEXT NOT NULL,             -- of the policy profile | open | register | clue | reply | remind | link
    from_state    TEXT NOT NULL,
    to_state      TEXT NOT NULL,
    phase         TEXT NOT NULL,             -- after it
    entered       TEXT NOT NULL,             -- marked | eliminated | ''
    note          TEXT NOT NULL,
    data          TEXT NOT NULL,             -- JSON: what was given
    payload       TEXT NOT NULL,             -- hash of what was asked for; '' for what the system does
    UNIQUE (case_id, seq)
);
CREATE INDEX monitor_event_entered ON monitor_event (entered, day, division_code);

-- A measure of help (帮扶措施), against one risk.
CREATE TABLE monitor_measure (
    id          UUID PRIMARY KEY,            -- of the event that recorded it
    case_id     UUID NOT NULL,
    round       BIGINT NOT NULL,
    measure     TEXT NOT NULL,               -- group of the policy profile
    risk        TEXT NOT NULL,
    from_day    TEXT NOT NULL,
    to_day      TEXT NOT NULL,               -- planned; '' where open
    ended_on    TEXT NOT NULL,               -- '' while it runs
    amount      DOUBLE PRECISION,            -- yuan
    who         TEXT NOT NULL,
    note        TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX monitor_measure_case ON monitor_measure (case_id);

-- One push of a department's warning.
CREATE TABLE monitor_push (
    id         UUID PRIMARY KEY,
    warning_id TEXT NOT NULL,
    period     TEXT NOT NULL,                -- 2026-03, 2026, or the day of an event
    division_code TEXT NOT NULL,             -- what it was drawn for
    pushed_on  TEXT NOT NULL,
    households BIGINT NOT NULL,              -- that it holds for
    clues      BIGINT NOT NULL,              -- new ones
    at         BIGINT NOT NULL
);
CREATE INDEX monitor_push_warning ON monitor_push (warning_id, period);

-- One clue (线索) about a household, and what the village found.
CREATE TABLE monitor_clue (
    id            UUID PRIMARY KEY,
    clue_key      TEXT NOT NULL UNIQUE,      -- the same fact raises one clue
    case_id       UUID NOT NULL,
    household_id  UUID,
    division_code TEXT NOT NULL,
    round         BIGINT NOT NULL,
    source        TEXT NOT NULL,             -- application | visit | warning
    warning_id    TEXT NOT NULL,
    risk          TEXT NOT NULL,
    said          TEXT NOT NULL,             -- the difficulty in words
    evidence      TEXT NOT NULL,             -- JSON: what the warning rests on
    raised_on     TEXT NOT NULL,
    reply_by      TEXT NOT NULL,             -- '' where the calendar of that year is not known yet
    verdict       TEXT NOT NULL,             -- '' | confirmed | false_alarm
    replied_on    TEXT NOT NULL,
    replied_by    TEXT NOT NULL,
    reply         TEXT NOT NULL
);
CREATE INDEX monitor_clue_case ON monitor_clue (case_id, round);
CREATE INDEX monitor_clue_warning ON monitor_clue (warning_id, division_code, verdict);
