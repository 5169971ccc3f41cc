-- Times in which no node could take and commit pings, and what they changed.

-- +goose Up
-- Until when pings could be stored, in one row with the key 1.
CREATE TABLE watching (
	key BIGINT PRIMARY KEY,
	until BIGINT NOT NULL,
	stopped TEXT NOT NULL DEFAULT '', -- version of the node that stopped last; empty while a node runs
	version TEXT NOT NULL DEFAULT '', -- version of the node that wrote last
	newest BIGINT NOT NULL DEFAULT 0  -- key of the newest blackout
);

CREATE TABLE blackouts (
	key BIGINT PRIMARY KEY,
	started BIGINT NOT NULL,
	ended BIGINT NOT NULL,
	cause TEXT NOT NULL,
	detail TEXT NOT NULL DEFAULT '',
	noticed BIGINT -- when the notices became pending; NULL: they are to be written
);
CREATE INDEX blackouts_ended ON blackouts (ended);

-- What a blackout changed for a heartbeat.
CREATE TABLE blackout_effects (
	blackout BIGINT NOT NULL,
	heartbeat BIGINT NOT NULL,
	kind TEXT NOT NULL, -- unknown, moved
	due BIGINT,
	next BIGINT,
	PRIMARY KEY (blackout, heartbeat)
);
CREATE INDEX blackout_effects_heartbeat ON blackout_effects (heartbeat, blackout);

ALTER TABLE heartbeats ADD COLUMN blackout TEXT; -- state of the current wait; NULL for none

-- +goose Down
ALTER TABLE heartbeats DROP COLUMN blackout;
DROP TABLE blackout_effects;
DROP TABLE blackouts;
DROP TABLE watching;
