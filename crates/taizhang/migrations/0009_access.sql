-- A password that somebody else knows, handed over or reset: to be changed before anything else.
ALTER TABLE app_user ADD COLUMN must_change_password BOOLEAN NOT NULL DEFAULT FALSE;

-- The audit page goes backwards from the newest entry, of one action or of one person.
CREATE INDEX audit_action ON audit (action, seq);
CREATE INDEX audit_login ON audit (actor_login, seq);
