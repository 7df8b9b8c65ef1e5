-- What a run for everybody needs beside those who write meanwhile, and a sample of the register.

-- Every assessment of some households takes the next number with its turn, and leaves it at the households: a run that
-- read one of them before looks at it again.
ALTER TABLE assess_turn ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
CREATE TABLE assess_seen (
    household_id UUID PRIMARY KEY,
    seq          BIGINT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX assess_seen_seq ON assess_seen (seq);

-- The fingerprint is a hash of the household: a range of it is a sample drawn at random.
CREATE INDEX household_sample ON household (fingerprint);
