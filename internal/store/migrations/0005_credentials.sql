-- Who made an API key, and what was done how often. Moments are microseconds since 1970 UTC.

-- +goose Up
ALTER TABLE api_keys ADD COLUMN made_by_id TEXT NOT NULL DEFAULT ''; -- their person; '': the command line

CREATE TABLE quota_uses (
  id   TEXT PRIMARY KEY,
  name TEXT NOT NULL, -- what is limited, and for whom
  at   BIGINT NOT NULL
);
CREATE INDEX quota_uses_name ON quota_uses (name, at);

-- +goose Down
DROP TABLE quota_uses;
ALTER TABLE api_keys DROP COLUMN made_by_id;
