-- The last day on which something was done about an item (推进), '' where nothing was since it was opened: what a stall
-- is measured by. Remarks, reminders and what the system writes are not work.
ALTER TABLE item ADD COLUMN worked_on TEXT NOT NULL DEFAULT '';
UPDATE item SET worked_on = COALESCE(
    (SELECT MAX(e.day) FROM item_event e
     WHERE e.item_id = item.id
       AND (e.action IN ('start', 'progress', 'measure', 'submit', 'check', 'pass', 'fail', 'reopen', 'attach')
            OR (e.action = 'assign' AND e.from_state = 'to_verify'))), '');
-- What is stuck and what was closed of late are read from the indexes alone.
CREATE INDEX item_open ON item (division_code, state, deadline, worked_on, opened_on, round, ledger, id)
    WHERE state NOT IN ('closed', 'cancelled');
CREATE INDEX item_ended ON item (division_code, closed_on, state, checked_by, checked_at, opened_at, round, id)
    WHERE closed_on <> '';
CREATE INDEX item_event_pass ON item_event (day, actor_id, item_id) WHERE action = 'pass';
CREATE INDEX item_event_remind ON item_event (item_id, day) WHERE action = 'remind';

-- A county or village under listed supervision (挂牌督战), with its battle plan (作战方案).
CREATE TABLE supervise_listing (
    id             UUID PRIMARY KEY,
    division_code  TEXT NOT NULL,
    reason         TEXT NOT NULL,              -- why it is listed
    plan           TEXT NOT NULL,              -- 作战方案
    leader_name    TEXT NOT NULL,              -- who supervises it (督战责任人)
    leader_unit    TEXT NOT NULL,
    owner_name     TEXT NOT NULL,              -- who answers for it there (属地责任人)
    owner_unit     TEXT NOT NULL,
    from_day       TEXT NOT NULL,
    to_day         TEXT NOT NULL,
    lifted_on      TEXT NOT NULL,              -- 摘牌; '' while listed
    version        BIGINT NOT NULL,            -- +1 at each change: a stale form is refused
    created_name   TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX supervise_listing_division ON supervise_listing (division_code, lifted_on);
-- A place is listed once at a time.
CREATE UNIQUE INDEX supervise_listing_one ON supervise_listing (division_code) WHERE lifted_on = '';

-- One of the five contents of a listing (督战五项内容).
CREATE TABLE supervise_content (
    listing_id  UUID NOT NULL,
    content     TEXT NOT NULL,                 -- guarantees | work | relocation | monitoring | rectification
    target      TEXT NOT NULL,
    owner_name  TEXT NOT NULL,
    owner_unit  TEXT NOT NULL,
    due_on      TEXT NOT NULL,                 -- '' where none was set
    progress    TEXT NOT NULL,
    done        BOOLEAN NOT NULL,
    updated_by  TEXT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (listing_id, content)
);

-- What was done to a listing.
CREATE TABLE supervise_event (
    id          UUID PRIMARY KEY,              -- made by whoever acts: a repeated request changes nothing
    listing_id  UUID NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    day         TEXT NOT NULL,
    actor_id    UUID,
    actor_name  TEXT NOT NULL,
    action      TEXT NOT NULL,                 -- list | plan | content | lift
    content     TEXT NOT NULL,
    note        TEXT NOT NULL,
    payload     TEXT NOT NULL,                 -- hash of what was asked for
    UNIQUE (listing_id, seq)
);

-- A dispatch session (视频调度、电话调度) with its minutes.
CREATE TABLE supervise_session (
    id            UUID PRIMARY KEY,            -- made by whoever writes it down
    listing_id    UUID,
    division_code TEXT NOT NULL,               -- who was called up
    channel       TEXT NOT NULL,               -- video | phone | on_site
    held_on       TEXT NOT NULL,
    title         TEXT NOT NULL,
    chair         TEXT NOT NULL,
    attendees     TEXT NOT NULL,
    minutes       TEXT NOT NULL,
    payload       TEXT NOT NULL,
    created_by    UUID,
    created_name  TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX supervise_session_division ON supervise_session (division_code, held_on);
CREATE INDEX supervise_session_listing ON supervise_session (listing_id, held_on);

-- An item that supervision opened, and out of what.
CREATE TABLE supervise_item (
    item_id       UUID PRIMARY KEY,
    session_id    UUID,
    check_id      UUID,
    listing_id    UUID,
    topic         TEXT NOT NULL,               -- one of the five contents | one of the four 不摘 | laxity | absence | other
    division_code TEXT NOT NULL
);
CREATE INDEX supervise_item_session ON supervise_item (session_id);
CREATE INDEX supervise_item_listing ON supervise_item (listing_id);
CREATE INDEX supervise_item_topic ON supervise_item (topic, division_code);

-- A leave of a work-team member (请假).
CREATE TABLE supervise_leave (
    id               UUID PRIMARY KEY,         -- made by whoever writes it down
    member_id        UUID NOT NULL,            -- work_team_member
    division_code    TEXT NOT NULL,
    from_day         TEXT NOT NULL,
    to_day           TEXT NOT NULL,
    kind             TEXT NOT NULL,            -- personal | sick | official | training
    reason           TEXT NOT NULL,
    approved_level   TEXT NOT NULL,            -- township | county
    approved_by      TEXT NOT NULL,
    payload          TEXT NOT NULL,
    recorded_by      UUID,
    recorded_name    TEXT NOT NULL,
    recorded_at      BIGINT NOT NULL,
    withdrawn_at     BIGINT,
    withdrawn_name   TEXT NOT NULL DEFAULT '',
    withdrawn_reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX supervise_leave_member ON supervise_leave (member_id, from_day);
CREATE INDEX supervise_leave_division ON supervise_leave (division_code, from_day, to_day);

-- A check of one of the four 不摘 (四个不摘) of a county.
CREATE TABLE supervise_check (
    id            UUID PRIMARY KEY,            -- made by whoever checks
    division_code TEXT NOT NULL,
    aspect        TEXT NOT NULL,               -- responsibility | policy | assistance | oversight
    checked_on    TEXT NOT NULL,
    result        TEXT NOT NULL,               -- held | short
    found         TEXT NOT NULL,
    item_id       UUID,                        -- that was opened where it falls short
    payload       TEXT NOT NULL,
    by_id         UUID,
    by_name       TEXT NOT NULL,
    recorded_at   BIGINT NOT NULL
);
CREATE INDEX supervise_check_division ON supervise_check (division_code, aspect, checked_on);
