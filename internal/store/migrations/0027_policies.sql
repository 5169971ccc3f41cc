-- Escalation policies: who is notified of an incident, and when, while no one acknowledges it.

-- +goose Up
CREATE TABLE policies (
  id         TEXT PRIMARY KEY,
  project    INTEGER NOT NULL REFERENCES projects (key),
  slug       TEXT NOT NULL,
  name       TEXT NOT NULL,
  is_default BOOLEAN NOT NULL,
  steps      TEXT NOT NULL, -- JSON, in their order; durations in nanoseconds
  created    BIGINT NOT NULL,
  revision   BIGINT NOT NULL
);
CREATE UNIQUE INDEX policies_slug ON policies (project, slug);
CREATE UNIQUE INDEX policies_default ON policies (project) WHERE is_default;

-- +goose Down
DROP TABLE policies;
