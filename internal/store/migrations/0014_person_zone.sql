-- The time zone in which pages show times to a person.

-- +goose Up
ALTER TABLE people ADD COLUMN zone TEXT NOT NULL DEFAULT ''; -- empty: the zone of the project

-- +goose Down
ALTER TABLE people DROP COLUMN zone;
