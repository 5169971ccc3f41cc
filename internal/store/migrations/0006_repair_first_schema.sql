-- The first databases were made before the table journal and the index incidents_unresolved were added to migration 1.

-- +goose Up
CREATE TABLE IF NOT EXISTS journal (
  n     INTEGER PRIMARY KEY,
  pings TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incidents_unresolved ON incidents (project, number) WHERE resolved IS NULL;

-- +goose Down
-- Migration 1 removes what this one may have added.
SELECT 1;
