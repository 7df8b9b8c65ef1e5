-- When the step was done, as whoever did it says, where that was before it was recorded (补录); milliseconds.
ALTER TABLE item_event ADD COLUMN acted_at BIGINT;
-- Version of the item after the event: what a repeated request is answered with, and what has changed since a form.
ALTER TABLE item_event ADD COLUMN version BIGINT;
-- For whom a proxy (代理) acted: both have a hand in the work then.
ALTER TABLE item_event ADD COLUMN for_id UUID;

-- Time and place of a photo as whoever sends it says; a removed one keeps its line.
ALTER TABLE attachment ADD COLUMN taken_at BIGINT;
ALTER TABLE attachment ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE attachment ADD COLUMN removed_at BIGINT;
ALTER TABLE attachment ADD COLUMN removed_name TEXT NOT NULL DEFAULT '';
ALTER TABLE attachment ADD COLUMN removed_why TEXT NOT NULL DEFAULT '';

-- Money of an item (资金): planned or spent, by where it comes from. Struck entries stay.
CREATE TABLE item_money (
    id          UUID PRIMARY KEY,              -- of the event that recorded it
    item_id     UUID NOT NULL,
    round       BIGINT NOT NULL,
    kind        TEXT NOT NULL,                 -- planned | spent
    source      TEXT NOT NULL,                 -- central | province | city | county | sector | east_west | paired | social | insurance | own | other
    fen         BIGINT NOT NULL,               -- hundredths of a yuan
    day         TEXT NOT NULL,                 -- ISO day that it is planned for or was spent on
    note        TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    struck_at   BIGINT,
    struck_name TEXT NOT NULL DEFAULT '',
    struck_why  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX item_money_item ON item_money (item_id);

-- The look-back (回头看) at an item some time after its closing: one a round.
CREATE TABLE item_look_back (
    id        UUID PRIMARY KEY,
    item_id   UUID NOT NULL,
    round     BIGINT NOT NULL,
    due       TEXT NOT NULL,                   -- ISO day
    state     TEXT NOT NULL,                   -- due | held | relapsed
    done_on   TEXT NOT NULL DEFAULT '',
    done_name TEXT NOT NULL DEFAULT '',
    UNIQUE (item_id, round)
);
CREATE INDEX item_look_back_due ON item_look_back (state, due, item_id);

-- What was sent late and could not be taken, kept for whoever sent it.
CREATE TABLE item_kept (
    id         UUID PRIMARY KEY,               -- of the step that was refused
    item_id    UUID NOT NULL,
    user_id    UUID NOT NULL,
    action     TEXT NOT NULL,
    note       TEXT NOT NULL,
    acted_at   BIGINT NOT NULL,
    why        TEXT NOT NULL,                  -- JSON {"zh-CN": .., "en": ..}
    at         BIGINT NOT NULL,
    settled_at BIGINT
);
CREATE INDEX item_kept_user ON item_kept (user_id, item_id);

-- Who acts for whom while they are away (代理).
CREATE TABLE item_proxy (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL,                -- whose items
    proxy_id     UUID NOT NULL,                -- who acts for them
    from_day     TEXT NOT NULL,
    until_day    TEXT NOT NULL,                -- the last day
    reason       TEXT NOT NULL,
    created_name TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    ended_name   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX item_proxy_user ON item_proxy (user_id, until_day);
CREATE INDEX item_proxy_proxy ON item_proxy (proxy_id, until_day);

-- All open items of somebody given to somebody else when staff change (移交).
CREATE TABLE item_handover (
    id            UUID PRIMARY KEY,            -- made by whoever asks: the same request twice is done once
    from_id       UUID NOT NULL,
    to_id         UUID NOT NULL,
    division_code TEXT NOT NULL,               -- scope of who asked
    payload       TEXT NOT NULL,
    moved         BIGINT NOT NULL,
    by_name       TEXT NOT NULL,
    at            BIGINT NOT NULL
);

-- How far somebody has read what there is to be told.
CREATE TABLE notice_read (
    user_id UUID PRIMARY KEY,
    read_at BIGINT NOT NULL,
    read_on TEXT NOT NULL                      -- calendar day
);
