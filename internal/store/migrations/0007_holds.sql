-- What each node publishes about pings on their way, by heartbeat. Moments are microseconds since 1970 UTC.
-- Nodes of earlier versions write and read nodes.horizon alone, so newer ones keep it up to date.

-- +goose Up
ALTER TABLE nodes ADD COLUMN rest_horizon BIGINT; -- every ping for a heartbeat not in holds is stored up to here; NULL: up to horizon
ALTER TABLE nodes ADD COLUMN holds TEXT;          -- JSON: id of a heartbeat to the moment up to which its pings are stored

-- +goose Down
ALTER TABLE nodes DROP COLUMN holds;
ALTER TABLE nodes DROP COLUMN rest_horizon;
