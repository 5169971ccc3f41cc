-- What is unusual about a ping, and which runs of a heartbeat have ended.
-- Nodes of earlier versions write neither, which loses no ping.

-- +goose Up
ALTER TABLE pings ADD COLUMN flags TEXT;         -- names separated by commas; NULL: none
ALTER TABLE heartbeats ADD COLUMN finished TEXT; -- checksum of the run id and moment of the end, of each finished run; NULL: none

-- +goose Down
ALTER TABLE heartbeats DROP COLUMN finished;
ALTER TABLE pings DROP COLUMN flags;
