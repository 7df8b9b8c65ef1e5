-- A list of problems that somebody handed down (问题清单): an inspection's feedback, an audit's, a survey's.
CREATE TABLE problem_document (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,              -- inspection | effectiveness | survey | audit | petition | comparison | dispatch | self_check | other
    title         TEXT NOT NULL,              -- a list of the same kind and title is a newer version of it
    issuer        TEXT NOT NULL,              -- who handed it down (下发单位)
    issued_on     TEXT NOT NULL,              -- ISO day
    division_code TEXT NOT NULL,              -- where problems lie whose rows name no place
    file_name     TEXT NOT NULL,
    sha256        TEXT NOT NULL,
    rows_total    BIGINT NOT NULL,
    rows_held     BIGINT NOT NULL,
    rows_new      BIGINT NOT NULL,
    rows_revised  BIGINT NOT NULL,
    rows_same     BIGINT NOT NULL,
    held          TEXT NOT NULL,              -- JSON array: rows that could not be read, values masked
    created_by    UUID,
    created_name  TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX problem_document_place ON problem_document (division_code, created_at);

-- One row of such a list, its newest version: what this source asks for, and what it says of the answer.
CREATE TABLE problem_line (
    id            UUID PRIMARY KEY,
    kind          TEXT NOT NULL,
    title         TEXT NOT NULL,              -- of the document
    line_key      BIGINT NOT NULL,            -- fingerprint of kind, place, households and description
    document_id   UUID NOT NULL,              -- that brought this version
    sheet         TEXT NOT NULL,
    line          BIGINT NOT NULL,
    serial        TEXT NOT NULL,              -- 序号 as the file has it
    found_on      TEXT NOT NULL,              -- ISO day
    division_code TEXT NOT NULL,
    category      TEXT NOT NULL,              -- 类别
    description   TEXT NOT NULL,              -- numbers of persons masked
    text_enc      BYTEA,                      -- the description as it came, where numbers were masked in it
    requirement   TEXT NOT NULL,              -- 整改措施 as the source wants it
    lead_unit     TEXT NOT NULL,              -- 牵头单位
    owner_unit    TEXT NOT NULL,              -- 责任单位
    owner_name    TEXT NOT NULL,              -- 责任人
    due_text      TEXT NOT NULL,              -- 整改时限 as written
    answer        TEXT NOT NULL,              -- 整改情况 as the file says; closes nothing
    head          TEXT NOT NULL,              -- 涉及户 that answers to no registered household
    fingerprint   BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    UNIQUE (title, line_key)
);
CREATE INDEX problem_line_document ON problem_line (document_id);

-- The item that answers for a line; of a line that names several households, one each.
CREATE TABLE problem_item (
    id           UUID PRIMARY KEY,
    line_id      UUID NOT NULL,
    item_id      UUID NOT NULL,
    household_id UUID,
    opened_item  UUID NOT NULL                -- the item that the line opened; another than item_id once the two were joined
);
CREATE INDEX problem_item_line ON problem_item (line_id);
CREATE INDEX problem_item_item ON problem_item (item_id);
CREATE INDEX problem_item_opened ON problem_item (opened_item);

-- Two items that may be about the same problem (疑似同一问题): proposed, and joined by a person alone.
CREATE TABLE problem_pair (
    id            UUID PRIMARY KEY,
    item_id       UUID NOT NULL,              -- the newer
    other_id      UUID NOT NULL,              -- the older
    division_code TEXT NOT NULL,              -- of the newer
    score         DOUBLE PRECISION NOT NULL,  -- 0..1
    why           TEXT NOT NULL,              -- text | topic
    state         TEXT NOT NULL,              -- pending | joined | apart
    decided_by    UUID,
    decided_name  TEXT NOT NULL DEFAULT '',
    decided_at    BIGINT,
    UNIQUE (item_id, other_id)
);
CREATE INDEX problem_pair_state ON problem_pair (state, division_code);
