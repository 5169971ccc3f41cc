-- Who may sign in, and what they are where. Moments are microseconds since 1970 UTC.

-- +goose Up
CREATE TABLE people (
  id       TEXT PRIMARY KEY,
  email    TEXT NOT NULL,
  mailbox  TEXT NOT NULL UNIQUE, -- email in lower case: what makes it the same
  name     TEXT NOT NULL,
  password TEXT NOT NULL,        -- argon2id, with its parameters
  created  BIGINT NOT NULL,
  seen     BIGINT
);

CREATE TABLE members (
  project INTEGER NOT NULL REFERENCES projects (key),
  person  TEXT NOT NULL REFERENCES people (id),
  role    TEXT NOT NULL,
  since   BIGINT NOT NULL,
  PRIMARY KEY (project, person)
);
CREATE INDEX members_person ON members (person);

CREATE TABLE invitations (
  id      TEXT PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects (key),
  hash    TEXT NOT NULL UNIQUE,
  email   TEXT NOT NULL,
  role    TEXT NOT NULL,
  by_name TEXT NOT NULL,
  by_id   TEXT NOT NULL,
  created BIGINT NOT NULL,
  ends    BIGINT NOT NULL
);
CREATE INDEX invitations_project ON invitations (project);

CREATE TABLE sessions (
  id      TEXT PRIMARY KEY,
  hash    TEXT NOT NULL UNIQUE,
  person  TEXT NOT NULL REFERENCES people (id),
  created BIGINT NOT NULL,
  seen    BIGINT NOT NULL,
  ends    BIGINT NOT NULL,
  keep    BOOLEAN NOT NULL,
  address TEXT NOT NULL,
  agent   TEXT NOT NULL,
  content TEXT NOT NULL -- what the pages remember, as JSON
);
CREATE INDEX sessions_person ON sessions (person);

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE feedback (
  id      TEXT PRIMARY KEY,
  project INTEGER,
  at      BIGINT NOT NULL,
  page    TEXT NOT NULL,
  helpful BOOLEAN NOT NULL,
  comment TEXT NOT NULL,
  person  TEXT NOT NULL
);
CREATE INDEX feedback_at ON feedback (at);

ALTER TABLE projects ADD COLUMN deleted BIGINT;
ALTER TABLE api_keys ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN source TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE audit DROP COLUMN source;
ALTER TABLE api_keys DROP COLUMN made_by;
ALTER TABLE api_keys DROP COLUMN prefix;
ALTER TABLE projects DROP COLUMN deleted;
DROP TABLE feedback;
DROP TABLE settings;
DROP TABLE sessions;
DROP TABLE invitations;
DROP TABLE members;
DROP TABLE people;
