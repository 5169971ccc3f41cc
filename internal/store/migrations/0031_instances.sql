-- Hosts: where the newest run of a heartbeat came from, and which of its instances are expected.

-- +goose Up
ALTER TABLE heartbeats ADD COLUMN instances BIGINT; -- NULL: any host; -1: each host; n: at least n hosts
ALTER TABLE heartbeats ADD COLUMN hosts TEXT; -- part of the state: host of the newest run, and the instances; NULL: unknown
ALTER TABLE incidents ADD COLUMN host TEXT; -- of the failed run, or of the newest one before it; NULL: unknown

-- +goose Down
ALTER TABLE incidents DROP COLUMN host;
ALTER TABLE heartbeats DROP COLUMN hosts;
ALTER TABLE heartbeats DROP COLUMN instances;
