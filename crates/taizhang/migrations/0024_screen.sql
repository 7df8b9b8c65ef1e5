-- Visits of households (走访、联系) and what was checked with them (两不愁三保障、饮水安全).
CREATE TABLE visit (
    id            UUID PRIMARY KEY,           -- made by whoever visits, a phone too: a repeated upload changes nothing
    household_id  UUID NOT NULL,
    division_code TEXT NOT NULL,              -- of the household; goes along with it
    visited_on    TEXT NOT NULL,
    channel       TEXT NOT NULL,              -- on_site | phone | video
    spoken_to     TEXT NOT NULL,
    note          TEXT NOT NULL,
    unchanged     BOOLEAN NOT NULL,           -- nothing changed: takes over what stood before, with this day
    checked       BOOLEAN NOT NULL,           -- something was checked, or found unchanged
    answers       TEXT NOT NULL,              -- JSON: what was seen, as it was entered
    results       TEXT NOT NULL,              -- JSON by indicator: what that came to by the profile of that time
    by_user       UUID,
    by_name       TEXT NOT NULL,
    by_unit       TEXT NOT NULL,
    by_role       TEXT NOT NULL,
    origin        TEXT NOT NULL,              -- page | import
    profile_id    UUID,
    version       BIGINT NOT NULL,
    fingerprint   BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX visit_household ON visit (household_id, visited_on);
CREATE INDEX visit_division ON visit (division_code, visited_on, channel, household_id);

-- What a visit said before it was corrected.
CREATE TABLE visit_version (
    visit_id      UUID NOT NULL,
    version       BIGINT NOT NULL,
    data          TEXT NOT NULL,              -- JSON of the columns that can be corrected
    reason        TEXT NOT NULL,              -- why it was corrected
    by_user       UUID,
    by_name       TEXT NOT NULL,
    superseded_at BIGINT NOT NULL,
    PRIMARY KEY (visit_id, version)
);

-- Last visits of each household that was ever visited, and when all indicators were last known.
CREATE TABLE household_visited (
    household_id  UUID PRIMARY KEY,
    division_code TEXT NOT NULL,
    last_on       TEXT NOT NULL,
    last_on_site  TEXT NOT NULL,              -- '' where there was none
    last_phone    TEXT NOT NULL,
    last_video    TEXT NOT NULL,
    visits        BIGINT NOT NULL,
    all_on        TEXT NOT NULL               -- the oldest day of the newest checks, '' while one was never made
);
CREATE INDEX household_visited_division ON household_visited (division_code, last_on, last_on_site, all_on);

-- The newest check of each household and indicator.
CREATE TABLE household_check (
    household_id  UUID NOT NULL,
    indicator     TEXT NOT NULL,              -- food | clothing | schooling | insurance | housing | water
    division_code TEXT NOT NULL,
    result        TEXT NOT NULL,              -- met | partly | short
    since         TEXT NOT NULL,              -- first day of the visits that all said so
    checked_on    TEXT NOT NULL,
    by_name       TEXT NOT NULL,
    by_role       TEXT NOT NULL,
    visit_id      UUID NOT NULL,              -- whose answers stand
    reasons       TEXT NOT NULL,              -- JSON array: what falls short or is in doubt
    PRIMARY KEY (household_id, indicator)
);
CREATE INDEX household_check_division ON household_check (division_code, indicator, result, checked_on);

-- A screening round (排查轮次): who is to be visited from when to when.
CREATE TABLE screen_round (
    id            UUID PRIMARY KEY,
    name          TEXT NOT NULL,
    division_code TEXT NOT NULL,
    from_day      TEXT NOT NULL,
    to_day        TEXT NOT NULL,
    on_site       BOOLEAN NOT NULL,           -- only visits on site count
    with_checks   BOOLEAN NOT NULL,           -- only visits with checks count
    created_by    UUID,
    created_name  TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX screen_round_division ON screen_round (division_code, from_day);

-- The visit that a signal comes from.
ALTER TABLE signal ADD COLUMN visit_id UUID;
