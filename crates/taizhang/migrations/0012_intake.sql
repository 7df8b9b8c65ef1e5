-- What the register-wide rules ask for stands in columns of its own; the remaining columns of a file are JSON under
-- short keys (register::attrs).
ALTER TABLE person ADD COLUMN subsistence BOOLEAN;        -- 是否享受低保
ALTER TABLE person ADD COLUMN destitute BOOLEAN;          -- 是否特困供养人员
ALTER TABLE person ADD COLUMN serious_insured BOOLEAN;    -- 是否参加大病保险
ALTER TABLE household ADD COLUMN fallow_area DOUBLE PRECISION NOT NULL DEFAULT 0;              -- 退耕还林面积, 亩
ALTER TABLE household_income ADD COLUMN eco_compensation DOUBLE PRECISION NOT NULL DEFAULT 0;  -- 生态补偿金, yuan

-- How often each quality rule was hit in an import; import_issue lists the first ones only.
CREATE TABLE import_rule (
    import_id UUID NOT NULL,
    rule_id   TEXT NOT NULL,
    hits      BIGINT NOT NULL,
    PRIMARY KEY (import_id, rule_id)
);
INSERT INTO import_rule (import_id, rule_id, hits)
SELECT import_id, rule_id, COUNT(*) FROM import_issue GROUP BY import_id, rule_id;

-- One row that each import writes first: imports into one register take turns.
CREATE TABLE import_turn (
    id    BIGINT PRIMARY KEY,
    taken BIGINT NOT NULL
);
