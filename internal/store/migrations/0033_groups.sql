-- Incidents that open within a minute of each other and share a host, a source address or a tag are one group.

-- +goose Up
ALTER TABLE incidents ADD COLUMN group_number BIGINT; -- number of the first incident of the group; NULL: in no group
CREATE INDEX incidents_group ON incidents (project, group_number, number) WHERE group_number IS NOT NULL;
CREATE TABLE incident_groups (
  project         INTEGER NOT NULL REFERENCES projects (key),
  number          BIGINT NOT NULL,  -- of its first incident
  factor          TEXT NOT NULL,    -- what all members share: host, source, tag
  value           TEXT NOT NULL,
  first_opened    BIGINT NOT NULL,
  last_opened     BIGINT NOT NULL,
  members         BIGINT NOT NULL,  -- that joined; some may be deleted
  acknowledged    BIGINT,
  acknowledged_by TEXT NOT NULL,
  acknowledging   BOOLEAN NOT NULL, -- open members are still to be acknowledged
  PRIMARY KEY (project, number)
);
CREATE INDEX incident_groups_last ON incident_groups (project, last_opened);
CREATE INDEX incident_groups_acknowledging ON incident_groups (project) WHERE acknowledging;
CREATE TABLE incident_grouping (
  project INTEGER PRIMARY KEY REFERENCES projects (key),
  decided BIGINT NOT NULL -- number of the last incident about which is decided whether it belongs to a group
);
-- Earlier incidents stay as they are.
INSERT INTO incident_grouping (project, decided) SELECT key, incidents FROM projects WHERE key > 0;

-- +goose Down
DROP TABLE incident_grouping;
DROP TABLE incident_groups;
DROP INDEX incidents_group;
ALTER TABLE incidents DROP COLUMN group_number;
