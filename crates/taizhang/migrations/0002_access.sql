-- People who sign in (用户). division_code is the root of what they may see.
CREATE TABLE app_user (
    id            UUID PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    unit          TEXT NOT NULL DEFAULT '',
    role          TEXT NOT NULL,
    division_code TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    disabled      BOOLEAN NOT NULL DEFAULT FALSE,
    failed_logins BIGINT NOT NULL DEFAULT 0,
    locked_until  BIGINT,
    lang          TEXT NOT NULL DEFAULT 'zh-CN',
    created_at    BIGINT NOT NULL,
    last_login_at BIGINT
);

-- Signed-in browsers. Only the SHA-256 of the cookie's token is stored.
CREATE TABLE session (
    token_hash   TEXT PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES app_user (id),
    csrf         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX session_by_user ON session (user_id);

-- Who did what, append-only; each row's hash covers the row before it (审计链).
CREATE TABLE audit (
    seq           BIGINT PRIMARY KEY,
    at            BIGINT NOT NULL,
    actor_id      UUID,
    actor_login   TEXT NOT NULL,
    action        TEXT NOT NULL,
    object_kind   TEXT NOT NULL,
    object_id     TEXT NOT NULL,
    division_code TEXT NOT NULL,
    reason        TEXT NOT NULL DEFAULT '',
    detail        TEXT NOT NULL DEFAULT '{}',
    prev_hash     TEXT NOT NULL,
    hash          TEXT NOT NULL
);
CREATE INDEX audit_object ON audit (object_kind, object_id);
CREATE INDEX audit_actor ON audit (actor_login, at);

-- One row: the head of the chain. Updating it serialises the writers of the chain.
CREATE TABLE audit_head (
    id   BIGINT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');
