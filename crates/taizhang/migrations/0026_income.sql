-- This year's income of each household as far as last year's and the signals tell it (家庭收入测算). Written by the
-- estimate, one line a household of the register; money in fen. Bands: see assess::income::bands.
CREATE TABLE income_estimate (
    household_id  UUID PRIMARY KEY,
    division_code TEXT NOT NULL,
    members       BIGINT NOT NULL,
    base_year     BIGINT,                    -- collection year of the newest income, NULL where there is none
    base_fen      BIGINT,                    -- its 纯收入
    income_fen    BIGINT,                    -- base − loss − spent
    loss_fen      BIGINT NOT NULL,
    spent_fen     BIGINT NOT NULL,
    line_fen      BIGINT,                    -- income line in force there on the day, a person and year
    band_base     BIGINT NOT NULL,           -- where last year's income lies against that line
    band_now      BIGINT NOT NULL,           -- where the estimate lies
    gaps          BIGINT NOT NULL            -- how many things the estimate does not know
);
CREATE INDEX income_estimate_place ON income_estimate (division_code, household_id, band_now, band_base);

-- Households by band, of counties (level 3) and townships (level 4); written with the lines that it counts.
CREATE TABLE income_rollup (
    level         BIGINT NOT NULL,
    division_code TEXT NOT NULL,
    band_base     BIGINT NOT NULL,
    band_now      BIGINT NOT NULL,
    households    BIGINT NOT NULL,
    persons       BIGINT NOT NULL,
    affected      BIGINT NOT NULL,           -- of the households, those with a loss or spending
    loss_fen      BIGINT NOT NULL,
    spent_fen     BIGINT NOT NULL,
    PRIMARY KEY (level, division_code, band_base, band_now)
);

-- When a county was last estimated as a whole, for which day and by which profile.
CREATE TABLE income_run (
    county_code TEXT PRIMARY KEY,
    on_date     TEXT NOT NULL,
    profile_id  UUID NOT NULL,
    households  BIGINT NOT NULL,
    run_at      BIGINT NOT NULL
);
