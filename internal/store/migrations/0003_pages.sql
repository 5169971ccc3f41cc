-- What the pages ask for, and the secret that signs links in alerts.

-- +goose Up
CREATE TABLE secrets (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE INDEX heartbeats_project ON heartbeats (project) WHERE deleted IS NULL;
CREATE INDEX incidents_opened ON incidents (project, opened);
CREATE INDEX alerts_channel ON alerts (channel, created);
CREATE INDEX audit_target ON audit (project, action, target, at);

-- +goose Down
DROP INDEX audit_target;
DROP INDEX alerts_channel;
DROP INDEX incidents_opened;
DROP INDEX heartbeats_project;
DROP TABLE secrets;
