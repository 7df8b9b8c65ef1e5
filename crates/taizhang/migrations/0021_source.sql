-- One agency's kind of list for one division (数据来源): who gives it, what for, when, and how long it may be kept.
CREATE TABLE list_source (
    code            TEXT PRIMARY KEY,          -- health.cases@340323; what the command line calls it by
    kind            TEXT NOT NULL,             -- health.cases | medical.self_pay | ...
    agency          TEXT NOT NULL,             -- '' : the agency that usually gives such a list
    division_code   TEXT NOT NULL,
    purpose         TEXT NOT NULL,
    basis           TEXT NOT NULL,             -- the rule or agreement by which the agency gives it
    schedule        TEXT NOT NULL,             -- none | daily | weekly:1..7 | monthly:1..31 | once:YYYY-MM-DD
    scheduled_on    TEXT NOT NULL,             -- the day from which the schedule holds
    extent          TEXT NOT NULL,             -- whole: every version holds all rows | part: only what is new
    retention_days  BIGINT NOT NULL,           -- 0 where a day is set
    retention_until TEXT NOT NULL,             -- '' where days are set
    contact_enc     BYTEA,
    active          BOOLEAN NOT NULL,
    received_on     TEXT NOT NULL,             -- the day on which a file last came, also one that said nothing new
    version         BIGINT NOT NULL,           -- of this record: who edits an older one is told
    updated_at      BIGINT NOT NULL
);
CREATE INDEX list_source_division ON list_source (division_code, kind);

-- Lists are versions of their source.
ALTER TABLE comparison ADD COLUMN list_source TEXT NOT NULL DEFAULT '';
ALTER TABLE comparison ADD COLUMN list_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE comparison ADD COLUMN came_on TEXT NOT NULL DEFAULT '';       -- the day from which its retention counts, '' for an old one
ALTER TABLE comparison ADD COLUMN rows_gone BIGINT NOT NULL DEFAULT 0;   -- rows of the source that this version leaves out
ALTER TABLE comparison ADD COLUMN rows_back BIGINT NOT NULL DEFAULT 0;   -- rows left out by an earlier version that are in again
INSERT INTO list_source (code, kind, agency, division_code, purpose, basis, schedule, scheduled_on, extent,
    retention_days, retention_until, active, received_on, version, updated_at)
SELECT c.source || CASE WHEN c.division_code = '' THEN '' ELSE '@' || c.division_code END, c.source, '', c.division_code,
    MAX(c.purpose), '', 'none', '', 'part', 30, '',
    TRUE, MAX(c.as_of), 1, MAX(c.created_at)
FROM comparison c GROUP BY c.source, c.division_code;
UPDATE comparison SET list_source = source || CASE WHEN division_code = '' THEN '' ELSE '@' || division_code END,
    list_version = (SELECT COUNT(*) FROM comparison o
        WHERE o.source = comparison.source AND o.division_code = comparison.division_code
          AND (o.created_at < comparison.created_at OR (o.created_at = comparison.created_at AND o.id <= comparison.id)));
CREATE INDEX comparison_list ON comparison (list_source, list_version);

-- The version of the source that no longer has this row, and when a matched row lost what its signal does not need.
ALTER TABLE list_row ADD COLUMN gone_in UUID;
ALTER TABLE list_row ADD COLUMN trimmed_on TEXT NOT NULL DEFAULT '';
CREATE INDEX list_row_gone ON list_row (gone_in);

-- What was purged of a source at which day, and why: the same as in the audit chain, for the source's page.
CREATE TABLE list_purge (
    id            UUID PRIMARY KEY,
    list_source   TEXT NOT NULL,
    comparison_id UUID NOT NULL,
    list_version  BIGINT NOT NULL,
    purged_at     BIGINT NOT NULL,
    due_on        TEXT NOT NULL,               -- the retention day that had passed
    rows_blanked  BIGINT NOT NULL,
    rows_held     BIGINT NOT NULL,
    rows_trimmed  BIGINT NOT NULL
);
CREATE INDEX list_purge_source ON list_purge (list_source, purged_at);
