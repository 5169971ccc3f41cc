-- Heartbeats that each node changed in the last minute, for the lists of the other nodes.

-- +goose Up
CREATE TABLE heartbeat_changes (
  node TEXT NOT NULL,
  n    BIGINT NOT NULL, -- counts from 1 for each node
  at   BIGINT NOT NULL, -- µs since 1970 UTC
  keys BYTEA NOT NULL,  -- see listindex.EncodeKeys; empty: any heartbeat
  PRIMARY KEY (node, n)
);
ALTER TABLE nodes ADD COLUMN changes BIGINT; -- n of the last row; NULL: a node of an earlier version, which writes none

-- Heartbeats that do not notify all channels.
CREATE INDEX heartbeats_routed ON heartbeats (project) WHERE channels IS NOT NULL AND deleted IS NULL;

-- +goose Down
DROP INDEX heartbeats_routed;
ALTER TABLE nodes DROP COLUMN changes;
DROP TABLE heartbeat_changes;
