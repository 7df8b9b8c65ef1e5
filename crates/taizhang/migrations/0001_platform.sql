-- Settings of this installation, as JSON text by key.
CREATE TABLE setting (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Long work with progress: imports, comparisons, assessments (任务).
CREATE TABLE job (
    id               UUID PRIMARY KEY,
    kind             TEXT NOT NULL,
    state            TEXT NOT NULL,              -- queued | running | done | failed | cancelled
    title            TEXT NOT NULL,
    division_code    TEXT NOT NULL,              -- what the job is about, for scope
    created_by       UUID,
    params           TEXT NOT NULL,              -- JSON
    stage            TEXT NOT NULL DEFAULT '',
    progress_done    BIGINT NOT NULL DEFAULT 0,
    progress_total   BIGINT NOT NULL DEFAULT 0,  -- 0 while unknown
    result           TEXT,                       -- JSON
    error            TEXT,
    idempotency_key  TEXT UNIQUE,
    cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    heartbeat_at     BIGINT,
    finished_at      BIGINT
);
CREATE INDEX job_state ON job (state, created_at);
