-- Fewer index entries and checks per incident that opens. SQLite runs the file of the same name in the folder above.

-- +goose Up
-- An open incident is the newest one of its heartbeat, and the only one that is open. So one index finds all incidents of
-- a heartbeat in the order of their numbers, and rejects a second open one.
DROP INDEX incidents_heartbeat;
DROP INDEX incidents_open;
CREATE UNIQUE INDEX incidents_heartbeat ON incidents (heartbeat, (CASE WHEN resolved IS NULL THEN 9223372036854775807 ELSE number END));
DROP INDEX incidents_opened; -- the numbers have almost the same order

-- Every update of a heartbeat that changes when it is due adds an entry to each index. heartbeats_slug begins with the project too.
DROP INDEX heartbeats_project;

-- A first attempt that is pending is in alerts_first_attempts.
DROP INDEX alerts_channel;
CREATE INDEX alerts_channel ON alerts (channel, created) WHERE attempts > 0 OR state <> 'pending';

-- The transaction that adds these rows has locked the row of the heartbeat, or added the incident itself. Each check was a
-- query and a lock of the row. SQLite, which checks them at a lower price, keeps them.
ALTER TABLE incidents DROP CONSTRAINT incidents_project_fkey, DROP CONSTRAINT incidents_heartbeat_fkey;
ALTER TABLE alerts DROP CONSTRAINT alerts_incident_fkey, DROP CONSTRAINT alerts_channel_fkey;

-- +goose Down
ALTER TABLE alerts ADD CONSTRAINT alerts_incident_fkey FOREIGN KEY (incident) REFERENCES incidents (id),
  ADD CONSTRAINT alerts_channel_fkey FOREIGN KEY (channel) REFERENCES channels (id);
ALTER TABLE incidents ADD CONSTRAINT incidents_project_fkey FOREIGN KEY (project) REFERENCES projects (key),
  ADD CONSTRAINT incidents_heartbeat_fkey FOREIGN KEY (heartbeat) REFERENCES heartbeats (key);
DROP INDEX alerts_channel;
CREATE INDEX alerts_channel ON alerts (channel, created);
CREATE INDEX heartbeats_project ON heartbeats (project) WHERE deleted IS NULL;
CREATE INDEX incidents_opened ON incidents (project, opened);
DROP INDEX incidents_heartbeat;
CREATE UNIQUE INDEX incidents_open ON incidents (heartbeat) WHERE resolved IS NULL;
CREATE INDEX incidents_heartbeat ON incidents (heartbeat, number);
