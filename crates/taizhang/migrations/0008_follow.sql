-- Which county a case counts for, which version of its card a row is, and when it was last held against the register.
ALTER TABLE list_row ADD COLUMN case_county TEXT NOT NULL DEFAULT '';  -- six digits, '' where the row does not say or lies outside
ALTER TABLE list_row ADD COLUMN filled_on TEXT NOT NULL DEFAULT '';    -- 填卡日期, '' if the list has none
ALTER TABLE list_row ADD COLUMN matched_at BIGINT NOT NULL DEFAULT 0;
UPDATE list_row SET case_county = substr(division_code, 1, 6) WHERE length(division_code) >= 6;
UPDATE list_row SET matched_at = recorded_at;
CREATE INDEX list_row_case ON list_row (kind, case_county);

-- A row of a list that was held back, as it came, encrypted: nothing of a file is lost before its retention day.
CREATE TABLE list_held_row (
    comparison_id UUID NOT NULL,
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    raw_enc       BYTEA NOT NULL,
    PRIMARY KEY (comparison_id, sheet, line)
);

-- Households of which something changed that the rules read, other than a signal: the next assessment takes them.
CREATE TABLE assess_due (
    household_id UUID PRIMARY KEY,
    since_ms     BIGINT NOT NULL
);

-- One row: how often the rows of lists have changed, and at which of these changes, on which day and by which profile
-- the tiers were last computed. Where nothing has changed they need not be computed again.
CREATE TABLE tier_basis (
    id         BIGINT PRIMARY KEY,
    lists      BIGINT NOT NULL,
    done       BIGINT NOT NULL,
    on_date    TEXT NOT NULL,
    profile_id UUID
);
INSERT INTO tier_basis (id, lists, done, on_date) VALUES (1, 1, 0, '');

-- The evidence that raised the episode of a finding: what is new and reopens a closed item.
ALTER TABLE finding ADD COLUMN news TEXT NOT NULL DEFAULT '[]';
CREATE INDEX signal_person ON signal (person_id);
