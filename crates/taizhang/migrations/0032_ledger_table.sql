-- The ledger table in any of its orders, filtered. Of a county or prefecture every item is a stretch of item_place; of a
-- province what is open is item_open_due: both have every column that filters and orders ask for, so that the items
-- themselves are read for a page alone. The others are the orders of what is closed.
DROP INDEX item_place;
DROP INDEX item_due;
DROP INDEX item_rule;
DROP INDEX item_owner;
DROP INDEX item_unit;
CREATE INDEX item_place ON item (division_code, deadline, number, state, level, source, ledger, rule_id, round, opened_on,
    updated_at, owner_unit, owner_name, assignee_id, id);
CREATE INDEX item_open_due ON item (deadline, number, division_code, state, level, source, ledger, rule_id, round, opened_on,
    updated_at, owner_unit, owner_name, assignee_id, id) WHERE state NOT IN ('closed', 'cancelled');
CREATE INDEX item_due ON item (deadline, number, division_code, state, level, source, ledger, rule_id, id);
CREATE INDEX item_state ON item (state, deadline, number, division_code, level, source, ledger, rule_id, id);
CREATE INDEX item_rule ON item (rule_id, deadline, number);
CREATE INDEX item_owner ON item (owner_name, deadline, number);
CREATE INDEX item_unit ON item (owner_unit, deadline, number);
CREATE INDEX item_round ON item (round, deadline, number);
CREATE INDEX item_opened ON item (opened_on, number);

-- A view of the table that somebody keeps (保存的视图): filters, order and columns as the address has them.
CREATE TABLE ledger_view (
    id            UUID PRIMARY KEY,
    owner_id      UUID NOT NULL,
    name          TEXT NOT NULL,
    query         TEXT NOT NULL,              -- the address after the question mark
    shared        BOOLEAN NOT NULL,           -- with everybody of the owner's unit and division
    unit          TEXT NOT NULL,
    division_code TEXT NOT NULL,
    updated_at    BIGINT NOT NULL,
    UNIQUE (owner_id, name)
);
CREATE INDEX ledger_view_unit ON ledger_view (division_code, unit, shared);

-- Something done to many items at once: what was looked at before, what was done, and what taking it back found.
CREATE TABLE item_batch (
    id            UUID PRIMARY KEY,           -- made by the form: the same batch twice is done once
    kind          TEXT NOT NULL,              -- assign | remind
    state         TEXT NOT NULL,              -- previewed | done | undone
    by_id         UUID,
    by_name       TEXT NOT NULL,
    division_code TEXT NOT NULL,              -- scope of whoever made it
    deadline      TEXT NOT NULL,              -- of an assignment: the new one, '' where each keeps its own
    note          TEXT NOT NULL,
    made_at       BIGINT NOT NULL,
    done_at       BIGINT,
    undone_at     BIGINT
);
CREATE INDEX item_batch_by ON item_batch (by_id, made_at);

-- One item of a batch. was_*: as the batch found it, to put it back so.
CREATE TABLE item_batch_line (
    batch_id     UUID NOT NULL,
    item_id      UUID NOT NULL,
    place        BIGINT NOT NULL,             -- order of the preview
    user_id      UUID,                        -- who gets it
    version      BIGINT NOT NULL,             -- that was looked at; once done, the version that it was left in
    outcome      TEXT NOT NULL,               -- ready | late | refused | done | left | undone | kept
    why          TEXT NOT NULL,               -- JSON {"zh-CN": .., "en": ..}: why it is refused, was left or is kept
    was_state    TEXT NOT NULL,
    was_assignee UUID,
    was_deadline TEXT NOT NULL,
    PRIMARY KEY (batch_id, item_id)
);

-- A reminder (催办) to whoever has an item, shown to them until they have seen it.
CREATE TABLE item_reminder (
    id       UUID PRIMARY KEY,
    item_id  UUID NOT NULL,
    user_id  UUID NOT NULL,
    by_id    UUID,
    by_name  TEXT NOT NULL,
    note     TEXT NOT NULL,
    day      TEXT NOT NULL,
    at       BIGINT NOT NULL,
    seen_at  BIGINT
);
CREATE INDEX item_reminder_user ON item_reminder (user_id, seen_at, at);
CREATE INDEX item_reminder_item ON item_reminder (item_id, day);
