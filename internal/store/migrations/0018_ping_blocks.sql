-- Pings of a heartbeat that were stored together, in one row. The package pingblock encodes them. Times and durations
-- are microseconds, times since 1970 UTC.
-- Nodes of earlier versions write and read the table pings, which stays and is read for as long as it has rows.

-- +goose Up
CREATE TABLE ping_blocks (
  heartbeat  INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  first      BIGINT NOT NULL,   -- number of the first ping; the others follow without a gap
  earliest   BIGINT NOT NULL,   -- arrival of the earliest ping
  duration   BIGINT NOT NULL,   -- from the earliest to the latest ping
  body_bytes INTEGER NOT NULL,  -- of all pings
  format     SMALLINT NOT NULL, -- of the next two columns
  pings      BYTEA NOT NULL,
  bodies     BYTEA,             -- NULL: the pings have none
  PRIMARY KEY (heartbeat, first)
);

-- +goose Down
DROP TABLE ping_blocks;
