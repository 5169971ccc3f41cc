-- Heartbeats that fail and recover again and again.

-- +goose Up
ALTER TABLE heartbeats ADD COLUMN flapping_alerts TEXT NOT NULL DEFAULT 'hold'; -- hold or send
ALTER TABLE heartbeats ADD COLUMN flaps TEXT; -- recent changes; NULL: there were none
ALTER TABLE heartbeats ADD COLUMN flapping_since BIGINT; -- NULL: it does not flap
ALTER TABLE heartbeats ADD COLUMN flapping_until BIGINT; -- when it is stable; NULL: it does not flap

-- +goose Down
ALTER TABLE heartbeats DROP COLUMN flapping_until;
ALTER TABLE heartbeats DROP COLUMN flapping_since;
ALTER TABLE heartbeats DROP COLUMN flaps;
ALTER TABLE heartbeats DROP COLUMN flapping_alerts;
