-- Maintenance: planned work in which expected runs are excused. The windows ahead are part of the state of each heartbeat.

-- +goose Up
CREATE TABLE maintenances (
  id         TEXT PRIMARY KEY,
  project    INTEGER NOT NULL REFERENCES projects (key),
  reason     TEXT NOT NULL,
  scope      TEXT NOT NULL, -- JSON: all, tags, keys of heartbeats
  started    BIGINT NOT NULL,
  ended      BIGINT, -- NULL: it recurs without an end
  language   TEXT NOT NULL, -- of the schedule; empty: one window
  calendar   TEXT NOT NULL,
  zone       TEXT NOT NULL,
  length     BIGINT NOT NULL, -- of each recurring window
  changed    TEXT NOT NULL, -- JSON: recurring windows with another end
  created    BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  plan_at    BIGINT -- when the windows of heartbeats are planned again; NULL: never
);
CREATE INDEX maintenances_project ON maintenances (project);
CREATE INDEX maintenances_plan ON maintenances (plan_at) WHERE plan_at IS NOT NULL;
ALTER TABLE heartbeats ADD COLUMN maintenance TEXT; -- JSON; NULL: never in maintenance

-- +goose Down
ALTER TABLE heartbeats DROP COLUMN maintenance;
DROP TABLE maintenances;
