-- Messages about one incident form a thread at services that have threads.

-- +goose Up
CREATE TABLE threads (
  incident  TEXT NOT NULL REFERENCES incidents (id),
  channel   TEXT NOT NULL REFERENCES channels (id),
  recipient TEXT NOT NULL, -- '': the channel has one destination
  thread    TEXT NOT NULL, -- what the service returned for the first message
  PRIMARY KEY (incident, channel, recipient)
);

-- +goose Down
DROP TABLE threads;
