-- Fewer index entries per incident that opens. PostgreSQL runs the file of the same name in the folder postgres.

-- +goose Up
-- An open incident is the newest one of its heartbeat, and the only one that is open. So one index finds all incidents of
-- a heartbeat in the order of their numbers, and rejects a second open one.
DROP INDEX incidents_heartbeat;
DROP INDEX incidents_open;
CREATE UNIQUE INDEX incidents_heartbeat ON incidents (heartbeat, (CASE WHEN resolved IS NULL THEN 9223372036854775807 ELSE number END));
DROP INDEX incidents_opened; -- the numbers have almost the same order

-- +goose Down
CREATE INDEX incidents_opened ON incidents (project, opened);
DROP INDEX incidents_heartbeat;
CREATE UNIQUE INDEX incidents_open ON incidents (heartbeat) WHERE resolved IS NULL;
CREATE INDEX incidents_heartbeat ON incidents (heartbeat, number);
