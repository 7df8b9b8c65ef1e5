-- One line of a ledger (台账问题): a problem that somebody owes an answer to.
CREATE TABLE item (
    id             UUID PRIMARY KEY,
    number         TEXT NOT NULL UNIQUE,      -- ledger + county + year + running number
    ledger         TEXT NOT NULL,             -- epidemic_assistance (涉疫帮扶)
    source         TEXT NOT NULL,             -- finding | manual
    source_key     TEXT UNIQUE,               -- finding_key: one item per finding, for ever
    finding_id     UUID,
    rule_id        TEXT NOT NULL,
    household_id   UUID,
    person_id      UUID,
    division_code  TEXT NOT NULL,
    title          TEXT NOT NULL,             -- JSON {"zh-CN": .., "en": ..}
    level          TEXT NOT NULL,
    state          TEXT NOT NULL,             -- to_verify | assigned | in_progress | submitted | checking | returned | closed | cancelled
    round          BIGINT NOT NULL,           -- 1, +1 at each reopening
    owner_unit     TEXT NOT NULL,             -- 责任单位
    owner_division TEXT NOT NULL,
    owner_name     TEXT NOT NULL,             -- 责任人: the helper
    helper_id      UUID,
    assignee_id    UUID,                      -- user it is assigned to
    deadline       TEXT NOT NULL,             -- ISO day
    measures       TEXT NOT NULL,             -- JSON array {id, required, done, done_by, done_at, note}
    submitted_by   UUID,
    submitted_at   BIGINT,
    checked_by     UUID,
    checked_at     BIGINT,
    version        BIGINT NOT NULL,           -- +1 at each change: a stale form is refused
    profile_id     UUID NOT NULL,
    finding_version BIGINT NOT NULL DEFAULT 0, -- of the finding, as far as this item has followed it
    episode        BIGINT NOT NULL DEFAULT 0, -- of the finding, that this round is about
    opened_at      BIGINT NOT NULL,
    opened_on      TEXT NOT NULL,
    closed_on      TEXT NOT NULL DEFAULT '',
    updated_at     BIGINT NOT NULL
);
CREATE INDEX item_division_state ON item (division_code, state, deadline);
CREATE INDEX item_deadline ON item (state, deadline);
CREATE INDEX item_household ON item (household_id);
CREATE INDEX item_assignee ON item (assignee_id, state);

-- Everything that ever happened to an item.
CREATE TABLE item_event (
    id         UUID PRIMARY KEY,              -- made by whoever acts: a repeated request changes nothing
    item_id    UUID NOT NULL,
    seq        BIGINT NOT NULL,
    round      BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    day        TEXT NOT NULL,                 -- calendar day that it counts for
    division_code TEXT NOT NULL,              -- of the item at that time
    actor_id   UUID,
    actor_name TEXT NOT NULL,
    action     TEXT NOT NULL,                 -- open | assign | start | progress | measure | submit | check | pass | fail | reopen | cancel | note | signal | move_out | move_in
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    note       TEXT NOT NULL,
    data       TEXT NOT NULL,                 -- JSON
    UNIQUE (item_id, seq)
);
CREATE INDEX item_event_division ON item_event (division_code, day);

-- Photos and papers of an item's evidence (佐证), stored by content hash in the data folder.
CREATE TABLE attachment (
    id          UUID PRIMARY KEY,
    item_id     UUID NOT NULL,
    event_id    UUID NOT NULL,
    sha256      TEXT NOT NULL,
    name        TEXT NOT NULL,
    mime        TEXT NOT NULL,
    bytes       BIGINT NOT NULL,
    uploaded_by UUID,
    uploaded_at BIGINT NOT NULL
);
CREATE INDEX attachment_item ON attachment (item_id);

-- Roll-up by village and day, kept by the same transactions that change the items.
CREATE TABLE item_rollup (
    ledger        TEXT NOT NULL,
    division_code TEXT NOT NULL,
    day           TEXT NOT NULL,
    opened        BIGINT NOT NULL,
    reopened      BIGINT NOT NULL,
    closed        BIGINT NOT NULL,
    cancelled     BIGINT NOT NULL,
    moved_in      BIGINT NOT NULL DEFAULT 0,  -- open items that came with a household from another division
    moved_out     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (ledger, division_code, day)
);

-- The last running number given out per ledger, county and year.
CREATE TABLE item_number (
    ledger      TEXT NOT NULL,
    county_code TEXT NOT NULL,
    year        BIGINT NOT NULL,
    last        BIGINT NOT NULL,
    PRIMARY KEY (ledger, county_code, year)
);
CREATE INDEX item_rule ON item (rule_id, state, division_code);
