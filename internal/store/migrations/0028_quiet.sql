-- Until when the alerts of a heartbeat are muted, and until when an incident is snoozed.

-- +goose Up
ALTER TABLE heartbeats ADD COLUMN muted_until BIGINT; -- NULL: never muted
ALTER TABLE incidents ADD COLUMN snoozed_until BIGINT; -- NULL: never snoozed

-- +goose Down
ALTER TABLE incidents DROP COLUMN snoozed_until;
ALTER TABLE heartbeats DROP COLUMN muted_until;
