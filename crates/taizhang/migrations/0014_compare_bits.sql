-- Candidates are weighed in bits by the levels of `linkage::engine` from here on: score holds the bits, explanation a JSON
-- array of {field, level, bits}, signature the levels as field=level,… Older ones were given points from 0 to 100 by other
-- levels; they are marked, and rows that are still open are due to be held against the register again.
UPDATE match_candidate SET signature = 'points:' || signature;
UPDATE list_row SET matched_at = 0 WHERE current AND outcome IN ('unmatched', 'review');
