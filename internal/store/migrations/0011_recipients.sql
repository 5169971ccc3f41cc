-- Alerts of one recipient, and channels that do not deliver.

-- +goose Up
ALTER TABLE alerts ADD COLUMN recipient TEXT NOT NULL DEFAULT ''; -- '': all recipients of the channel, except those with an alert of this parent
ALTER TABLE alerts ADD COLUMN parent    TEXT;                     -- the alert that this one was split off; its id stays the one that receivers see
CREATE INDEX alerts_parent ON alerts (parent) WHERE parent IS NOT NULL;

-- One row per channel, or per recipient of it, whose last attempt failed.
CREATE TABLE channel_failures (
  channel   TEXT NOT NULL REFERENCES channels (id),
  recipient TEXT NOT NULL,    -- '': all of the channel
  since     BIGINT NOT NULL,  -- of the first failed attempt after the last success
  last      BIGINT NOT NULL,  -- of the last failed attempt
  attempts  BIGINT NOT NULL,  -- the highest number of failed attempts of one alert
  failing   BOOLEAN NOT NULL, -- alerts do not get through, rather than a first attempt that failed
  status    BIGINT NOT NULL,  -- that the provider answered last; 0: none
  reason    TEXT NOT NULL,
  announced BIGINT,           -- when the other channels were notified
  logged    BIGINT,           -- when the log said so last
  recovered BIGINT,           -- of the success that ended it; then the row waits for the recovery to be announced
  PRIMARY KEY (channel, recipient)
);
INSERT INTO channel_failures (channel, recipient, since, last, attempts, failing, status, reason, announced)
  SELECT id, '', COALESCE(last_delivery, created), COALESCE(last_delivery, created), 1, TRUE, 0, '', COALESCE(last_delivery, created)
  FROM channels WHERE failing AND deleted IS NULL;

-- +goose Down
DROP TABLE channel_failures;
DROP INDEX alerts_parent;
ALTER TABLE alerts DROP COLUMN parent;
ALTER TABLE alerts DROP COLUMN recipient;
