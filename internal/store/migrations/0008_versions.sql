-- A channel counts its edits, so that one made on an older version is noticed.

-- +goose Up
ALTER TABLE channels ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

-- +goose Down
ALTER TABLE channels DROP COLUMN revision;
