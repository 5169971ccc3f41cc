-- Many alerts of one channel and cause are sent as one message.

-- +goose Up
-- NULL: not decided yet; '': sent alone; otherwise the id of the alert whose message carries this one.
ALTER TABLE alerts ADD COLUMN carrier TEXT;
CREATE INDEX alerts_carrier ON alerts (carrier) WHERE carrier <> '';
CREATE TABLE alert_bursts (
  channel TEXT NOT NULL REFERENCES channels (id),
  event   TEXT NOT NULL,
  cause   TEXT NOT NULL,   -- of the incidents, '' if the alerts are about none
  since   BIGINT NOT NULL, -- start of the time in which alerts are counted
  alone   BIGINT NOT NULL, -- number of alerts sent alone in that time
  until   BIGINT NOT NULL, -- the burst lasts until then
  leader  TEXT NOT NULL,   -- the last alert that carried others
  PRIMARY KEY (channel, event, cause)
);

-- +goose Down
DROP TABLE alert_bursts;
DROP INDEX alerts_carrier;
UPDATE alerts SET next_at = created WHERE carrier <> '' AND state = 'pending';
UPDATE alerts SET state = 'failed', holder = NULL WHERE event = 'incidents.grouped' AND state = 'pending';
ALTER TABLE alerts DROP COLUMN carrier;
