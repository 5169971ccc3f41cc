-- The escalation policy that a heartbeat names.

-- +goose Up
ALTER TABLE heartbeats ADD COLUMN policy TEXT; -- slug in its project, NULL: the default policy, if there is one
CREATE INDEX heartbeats_policy ON heartbeats (project, policy) WHERE policy IS NOT NULL;

-- +goose Down
DROP INDEX heartbeats_policy;
ALTER TABLE heartbeats DROP COLUMN policy;
