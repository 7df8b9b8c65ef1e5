-- From which day on a profile is in force: one line each time that one is applied, never changed. In force on a day is
-- the line with the newest from_day up to that day; of several, the one that was applied last.
CREATE TABLE policy_term (
    seq        BIGINT PRIMARY KEY,
    profile_id UUID NOT NULL,
    from_day   TEXT NOT NULL,                 -- '' from the beginning
    applied_by UUID,
    applied_at BIGINT NOT NULL
);
CREATE INDEX policy_term_day ON policy_term (from_day, seq);
INSERT INTO policy_term (seq, profile_id, from_day, applied_by, applied_at)
    SELECT 1, id, '', loaded_by, loaded_at FROM policy_profile WHERE active = TRUE;
ALTER TABLE policy_profile DROP COLUMN active;
