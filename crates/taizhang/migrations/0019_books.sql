-- What a movement of the books is about, kept with the movement itself: the books of any past day are counted from
-- events alone, whatever has become of item and household since. household_id and person_id are those of that moment; a
-- household that changes while its item is open is two movements, out of the one and into the other.
ALTER TABLE item_event ADD COLUMN ledger TEXT NOT NULL DEFAULT '';
ALTER TABLE item_event ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE item_event ADD COLUMN household_id UUID;
ALTER TABLE item_event ADD COLUMN person_id UUID;
UPDATE item_event SET ledger = i.ledger, source = i.source, household_id = i.household_id, person_id = i.person_id
FROM item AS i WHERE i.id = item_event.item_id;
CREATE INDEX item_event_books ON item_event (division_code, day, action, ledger, source, item_id, household_id, person_id)
    WHERE action IN ('open', 'pass', 'cancel', 'reopen', 'move_in', 'move_out');

-- The roll-up tells sources apart (问题来源).
CREATE TABLE item_rollup_by_source (
    ledger        TEXT NOT NULL,
    source        TEXT NOT NULL,
    division_code TEXT NOT NULL,
    day           TEXT NOT NULL,
    opened        BIGINT NOT NULL,
    reopened      BIGINT NOT NULL,
    closed        BIGINT NOT NULL,
    cancelled     BIGINT NOT NULL,
    moved_in      BIGINT NOT NULL DEFAULT 0,
    moved_out     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (ledger, source, division_code, day)
);
INSERT INTO item_rollup_by_source (ledger, source, division_code, day, opened, reopened, closed, cancelled, moved_in, moved_out)
SELECT ledger, 'finding', division_code, day, opened, reopened, closed, cancelled, moved_in, moved_out FROM item_rollup;
DROP TABLE item_rollup;
ALTER TABLE item_rollup_by_source RENAME TO item_rollup;
CREATE INDEX item_rollup_division ON item_rollup (division_code, day);
