-- Calendars, rules of runs, and what became of each slot. Moments are microseconds since 1970 UTC.

-- +goose Up
ALTER TABLE heartbeats ADD COLUMN language TEXT NOT NULL DEFAULT '';  -- of the calendar: cron or oncalendar; '': an interval
ALTER TABLE heartbeats ADD COLUMN calendar TEXT NOT NULL DEFAULT '[]';
ALTER TABLE heartbeats ADD COLUMN zone TEXT NOT NULL DEFAULT '';
ALTER TABLE heartbeats ADD COLUMN early BIGINT;                       -- NULL: as usual
ALTER TABLE heartbeats ADD COLUMN min_run_time BIGINT NOT NULL DEFAULT 0;
ALTER TABLE heartbeats ADD COLUMN start_grace BIGINT NOT NULL DEFAULT 0;
ALTER TABLE heartbeats ADD COLUMN alert_after BIGINT NOT NULL DEFAULT 1;
ALTER TABLE heartbeats ADD COLUMN expect_first_by BIGINT;
ALTER TABLE heartbeats ADD COLUMN ledger TEXT;                        -- slots that are not yet rows of slots

CREATE TABLE slots (
  heartbeat INTEGER NOT NULL,
  first     BIGINT NOT NULL,
  last      BIGINT NOT NULL,
  count     BIGINT NOT NULL,
  outcome   TEXT NOT NULL,
  late_by   BIGINT NOT NULL,
  at        BIGINT, -- the newest ping that decided
  PRIMARY KEY (heartbeat, first)
);

-- +goose Down
DROP TABLE slots;
ALTER TABLE heartbeats DROP COLUMN ledger;
ALTER TABLE heartbeats DROP COLUMN expect_first_by;
ALTER TABLE heartbeats DROP COLUMN alert_after;
ALTER TABLE heartbeats DROP COLUMN start_grace;
ALTER TABLE heartbeats DROP COLUMN min_run_time;
ALTER TABLE heartbeats DROP COLUMN early;
ALTER TABLE heartbeats DROP COLUMN zone;
ALTER TABLE heartbeats DROP COLUMN calendar;
ALTER TABLE heartbeats DROP COLUMN language;
