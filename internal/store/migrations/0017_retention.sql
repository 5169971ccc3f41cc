-- Expired rows are found by their time, and deleted by one node at a time.

-- +goose Up
CREATE INDEX incidents_resolved ON incidents (resolved) WHERE resolved IS NOT NULL;
CREATE INDEX alerts_created ON alerts (created) WHERE incident IS NULL;
CREATE INDEX audit_at ON audit (at);
INSERT INTO counters (name, value) VALUES ('cleanup', 0); -- locked by the node that deletes

-- +goose Down
DELETE FROM counters WHERE name = 'cleanup';
DROP INDEX audit_at;
DROP INDEX alerts_created;
DROP INDEX incidents_resolved;
