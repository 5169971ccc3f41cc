-- What the engine keeps. One text for SQLite and PostgreSQL.
-- Moments are microseconds since 1970 UTC, durations are microseconds, lists and maps are JSON.

-- +goose Up
CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('projects', 0), ('heartbeats', 0);

CREATE TABLE projects (
  key       INTEGER PRIMARY KEY,
  slug      TEXT NOT NULL UNIQUE,
  name      TEXT NOT NULL,
  zone      TEXT NOT NULL,
  incidents BIGINT NOT NULL, -- how many were numbered
  created   BIGINT NOT NULL
);

CREATE TABLE heartbeats (
  key           INTEGER PRIMARY KEY,
  id            TEXT NOT NULL UNIQUE,
  ref           TEXT NOT NULL UNIQUE,
  project       INTEGER NOT NULL REFERENCES projects (key),
  name          TEXT NOT NULL,
  slug          TEXT NOT NULL,
  description   TEXT NOT NULL,
  tags          TEXT NOT NULL,
  interval_us   BIGINT NOT NULL,
  grace         BIGINT NOT NULL,
  max_run_time  BIGINT NOT NULL, -- 0: the grace period
  methods       TEXT NOT NULL,
  manual_resume BOOLEAN NOT NULL,
  channels      TEXT,            -- NULL: all of the project
  created       BIGINT NOT NULL,
  updated       BIGINT NOT NULL,
  deleted       BIGINT,
  status        TEXT NOT NULL,
  counted_from  BIGINT,
  heard         BIGINT,
  last_ping     BIGINT,
  began         BIGINT,
  run_time      BIGINT,
  runs          TEXT,
  pings         BIGINT NOT NULL,
  incident      TEXT,
  cause         TEXT NOT NULL,
  next_at       BIGINT           -- when something happens by itself; NULL: never
);
CREATE UNIQUE INDEX heartbeats_slug ON heartbeats (project, slug) WHERE deleted IS NULL;
CREATE INDEX heartbeats_next ON heartbeats (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX heartbeats_gone ON heartbeats (deleted) WHERE deleted IS NOT NULL;

CREATE TABLE pings (
  heartbeat  INTEGER NOT NULL,
  n          BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  at         BIGINT NOT NULL,
  run_time   BIGINT,
  exit_code  BIGINT,
  run_id     TEXT,
  method     TEXT NOT NULL,
  source     TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  body_size  BIGINT NOT NULL,
  body       BYTEA,
  PRIMARY KEY (heartbeat, n)
);

CREATE TABLE incidents (
  id              TEXT PRIMARY KEY,
  number          BIGINT NOT NULL,
  project         INTEGER NOT NULL REFERENCES projects (key),
  heartbeat       INTEGER NOT NULL REFERENCES heartbeats (key),
  cause           TEXT NOT NULL,
  opened          BIGINT NOT NULL,
  detected        BIGINT NOT NULL,
  due             BIGINT,
  last_ping       BIGINT,
  because         TEXT NOT NULL,
  ping            BIGINT NOT NULL, -- the ping that reported the failure, 0: none
  acknowledged    BIGINT,
  acknowledged_by TEXT NOT NULL,
  resolved        BIGINT,
  resolution      TEXT NOT NULL,
  UNIQUE (project, number)
);
CREATE UNIQUE INDEX incidents_open ON incidents (heartbeat) WHERE resolved IS NULL;
CREATE INDEX incidents_unresolved ON incidents (project, number) WHERE resolved IS NULL;
CREATE INDEX incidents_heartbeat ON incidents (heartbeat, number);

CREATE TABLE timeline (
  id       TEXT PRIMARY KEY,
  incident TEXT NOT NULL REFERENCES incidents (id),
  at       BIGINT NOT NULL,
  kind     TEXT NOT NULL,
  text     TEXT NOT NULL
);
CREATE INDEX timeline_incident ON timeline (incident, at);

CREATE TABLE channels (
  id             TEXT PRIMARY KEY,
  project        INTEGER NOT NULL REFERENCES projects (key),
  kind           TEXT NOT NULL,
  name           TEXT NOT NULL,
  settings       TEXT NOT NULL,
  tell_late      BOOLEAN NOT NULL,
  tell_recovered BOOLEAN NOT NULL,
  remind_every   BIGINT NOT NULL, -- 0: never
  failing        BOOLEAN NOT NULL,
  last_delivery  BIGINT,
  created        BIGINT NOT NULL,
  deleted        BIGINT
);
CREATE INDEX channels_project ON channels (project);

-- An alert's id is made of what it is about, so that nothing can be owed twice.
CREATE TABLE alerts (
  id        TEXT PRIMARY KEY,
  project   INTEGER NOT NULL,
  channel   TEXT NOT NULL REFERENCES channels (id),
  event     TEXT NOT NULL,
  turn      BIGINT NOT NULL,  -- told only after all lower turns of its heartbeat and channel
  heartbeat INTEGER,
  incident  TEXT REFERENCES incidents (id),
  about     TEXT NOT NULL,
  state     TEXT NOT NULL,
  attempts  BIGINT NOT NULL,
  created   BIGINT NOT NULL,
  next_at   BIGINT NOT NULL,  -- while one node tries: until when nobody else may
  asked     BIGINT NOT NULL,  -- the provider asked not to be tried before; 0: it did not
  holder    TEXT              -- the node that tries
);
CREATE INDEX alerts_owed ON alerts (channel, next_at) WHERE state = 'owed';
CREATE INDEX alerts_turns ON alerts (heartbeat, channel, turn) WHERE state = 'owed';
CREATE INDEX alerts_incident ON alerts (incident, channel);

CREATE TABLE attempts (
  alert   TEXT NOT NULL REFERENCES alerts (id),
  n       BIGINT NOT NULL,
  at      BIGINT NOT NULL,
  took    BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  status  BIGINT,
  detail  TEXT NOT NULL,
  PRIMARY KEY (alert, n)
);

CREATE TABLE api_keys (
  id        TEXT PRIMARY KEY,
  project   INTEGER NOT NULL REFERENCES projects (key),
  name      TEXT NOT NULL,
  hash      TEXT NOT NULL UNIQUE,
  read_only BOOLEAN NOT NULL,
  created   BIGINT NOT NULL,
  last_used BIGINT,
  revoked   BIGINT
);

CREATE TABLE audit (
  id      TEXT PRIMARY KEY,
  project INTEGER NOT NULL,
  at      BIGINT NOT NULL,
  actor   TEXT NOT NULL,
  action  TEXT NOT NULL,
  target  TEXT NOT NULL,
  detail  TEXT NOT NULL
);
CREATE INDEX audit_project ON audit (project, at);

CREATE TABLE nodes (
  id      TEXT PRIMARY KEY,
  seen    BIGINT NOT NULL,
  horizon BIGINT NOT NULL -- every ping that reached it up to here is stored
);

-- SQLite: batches of pings that are stored and not yet in their tables.
CREATE TABLE journal (
  n     INTEGER PRIMARY KEY,
  pings TEXT NOT NULL
);

-- +goose Down
DROP TABLE journal;
DROP TABLE nodes;
DROP TABLE audit;
DROP TABLE api_keys;
DROP TABLE attempts;
DROP TABLE alerts;
DROP TABLE channels;
DROP TABLE timeline;
DROP TABLE incidents;
DROP TABLE pings;
DROP TABLE heartbeats;
DROP TABLE projects;
DROP TABLE counters;
