package transfer

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/store/dialect"
	"overdue/internal/store/sqlite"
)

// The settings that mark the two databases of a transfer. A server starts on neither,
// except on a target whose transfer is finished.
const (
	sourceSetting = "transfer-to"
	targetSetting = "transfer-from"
)

// ownSettings are settings of a database about itself, which are not copied.
var ownSettings = []string{sourceSetting, targetSetting, sqlite.OwnerSetting}

// Mark is the mark of one database of a transfer.
type Mark struct {
	ID       string    `json:"id"`       // the same in both databases
	Other    string    `json:"other"`    // describes the other database, without its password
	Time     time.Time `json:"time"`     // of the last step
	Finished bool      `json:"finished"` // everything is copied and compared

	// Of an unfinished target.
	Done    []string `json:"done,omitempty"`    // tables that are complete
	Table   string   `json:"table,omitempty"`   // that is being copied
	After   position `json:"after,omitempty"`   // the last row of it that is copied
	Copied  int64    `json:"copied,omitempty"`  // rows of that table
	Cleaned int      `json:"cleaned,omitempty"` // texts that were changed because PostgreSQL rejects them
}

// Role is the part of a database in a transfer.
type Role string

// The parts of a database in a transfer.
const (
	Source Role = sourceSetting
	Target Role = targetSetting
)

// ReadMark returns the mark of a database, or nil if it has none.
func ReadMark(ctx context.Context, db Queryer, d *dialect.Dialect, role Role) (*Mark, error) {
	var text string
	err := queryEach(ctx, db, `SELECT value FROM settings WHERE name = $1`, func(scan func(...any) error) error { return scan(&text) }, string(role))
	if err != nil || text == "" {
		return nil, d.Classify(err)
	}
	m := &Mark{}
	if err := json.Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("setting %s: %w", role, err)
	}
	return m, nil
}

// Execer is a database, or a transaction.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Store stores the mark in a database.
func (m *Mark) Store(ctx context.Context, db Execer, d *dialect.Dialect, role Role) error {
	text, err := encode(m)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, string(role), text)
	return d.Classify(err)
}

// RemoveMark removes the mark of a database.
func RemoveMark(ctx context.Context, db Execer, d *dialect.Dialect, role Role) error {
	_, err := db.ExecContext(ctx, `DELETE FROM settings WHERE name = $1`, string(role))
	return d.Classify(err)
}
