-- Alerts are pending or failed, and channels notify. Columns, states and indexes get the names that the API uses.

-- +goose Up
DROP INDEX alerts_owed;
DROP INDEX alerts_turns;
UPDATE alerts SET state = 'pending' WHERE state = 'owed';
UPDATE alerts SET state = 'failed' WHERE state = 'given_up';
CREATE INDEX alerts_pending ON alerts (channel, next_at) WHERE state = 'pending';
CREATE INDEX alerts_order ON alerts (heartbeat, channel, turn) WHERE state = 'pending';
ALTER TABLE channels RENAME COLUMN tell_late TO notify_on_late;
ALTER TABLE channels RENAME COLUMN tell_recovered TO notify_on_recovery;

-- +goose Down
ALTER TABLE channels RENAME COLUMN notify_on_recovery TO tell_recovered;
ALTER TABLE channels RENAME COLUMN notify_on_late TO tell_late;
DROP INDEX alerts_order;
DROP INDEX alerts_pending;
UPDATE alerts SET state = 'given_up' WHERE state = 'failed';
UPDATE alerts SET state = 'owed' WHERE state = 'pending';
CREATE INDEX alerts_turns ON alerts (heartbeat, channel, turn) WHERE state = 'owed';
CREATE INDEX alerts_owed ON alerts (channel, next_at) WHERE state = 'owed';
