-- Audit entries identify who acted: names can change, and two actors can have the same one.

-- +goose Up
ALTER TABLE audit ADD COLUMN actor_kind TEXT NOT NULL DEFAULT ''; -- '': recorded before kinds were
ALTER TABLE audit ADD COLUMN actor_id   TEXT NOT NULL DEFAULT ''; -- of the person, API key or channel; the user name of a command
CREATE INDEX audit_actor ON audit (project, actor_id, at);

-- +goose Down
DROP INDEX audit_actor;
ALTER TABLE audit DROP COLUMN actor_id;
ALTER TABLE audit DROP COLUMN actor_kind;
