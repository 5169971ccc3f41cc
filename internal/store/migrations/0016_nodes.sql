-- What each node publishes about itself. Nodes of earlier versions leave it empty. Times and durations are microseconds,
-- times since 1970 UTC.

-- +goose Up
ALTER TABLE nodes ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN started BIGINT;     -- NULL: a node of an earlier version, which publishes every 3 s
ALTER TABLE nodes ADD COLUMN skew BIGINT;        -- how far the clock of the node is ahead of the database's; NULL: not measured
ALTER TABLE nodes ADD COLUMN round_trip BIGINT;  -- duration of that measurement
ALTER TABLE nodes ADD COLUMN last_commit BIGINT; -- when a ping or a test ping was last stored

-- +goose Down
ALTER TABLE nodes DROP COLUMN last_commit;
ALTER TABLE nodes DROP COLUMN round_trip;
ALTER TABLE nodes DROP COLUMN skew;
ALTER TABLE nodes DROP COLUMN started;
ALTER TABLE nodes DROP COLUMN version;
ALTER TABLE nodes DROP COLUMN host;
