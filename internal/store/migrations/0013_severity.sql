-- How urgent the alerts of a heartbeat are.

-- +goose Up
ALTER TABLE heartbeats ADD COLUMN severity TEXT NOT NULL DEFAULT 'critical'; -- critical, warning, info

-- +goose Down
ALTER TABLE heartbeats DROP COLUMN severity;
