-- Alerts have an urgency, and a receiver can pause its channel.

-- +goose Up
ALTER TABLE alerts ADD COLUMN urgency BIGINT NOT NULL DEFAULT 0; -- 0 to 2: openings by severity; 3: everything else
ALTER TABLE channels ADD COLUMN paused_until BIGINT;             -- the receiver asked for no attempts before
CREATE INDEX alerts_first_attempts ON alerts (channel, urgency, next_at) WHERE state = 'pending' AND attempts = 0;
CREATE INDEX alerts_retries ON alerts (channel, next_at) WHERE state = 'pending' AND attempts > 0;

-- +goose Down
DROP INDEX alerts_retries;
DROP INDEX alerts_first_attempts;
ALTER TABLE channels DROP COLUMN paused_until;
ALTER TABLE alerts DROP COLUMN urgency;
