package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"overdue/internal/seal"
	"overdue/internal/store"
)

// Migration holds the options of Migrate.
type Migration struct {
	Database  string // file, or postgres://…
	To        string // the same
	SecretKey SecretKey
}

// MigrationResult is the result of a migration.
type MigrationResult struct {
	Source      string          `json:"source"`
	Target      string          `json:"target"`
	WasFinished bool            `json:"was_finished"` // by an earlier run
	Tables      []MigratedTable `json:"tables"`       // copied and compared
	NotCopied   []TableLeftOut  `json:"not_copied"`
	Cleaned     int             `json:"changed_texts"` // texts with bytes that PostgreSQL rejects
	KeyID       string          `json:"secret_key_id"` // empty: nothing is encrypted
	KeyAdvice   string          `json:"secret_key"`    // which key the new server needs
}

// MigratedTable is a table that was copied and compared.
type MigratedTable struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Copied   int64  `json:"copied"` // rows in the target
	Checksum string `json:"checksum"`
	Equal    bool   `json:"equal"`
}

// TableLeftOut is a table that was not copied.
type TableLeftOut struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// progressInterval is the minimum time between two lines of progress.
const progressInterval = 2 * time.Second

// Migrate copies everything from one database to another one and compares both. It
// reports progress on out. After an error, the result contains what is known.
func Migrate(ctx context.Context, m Migration, out io.Writer) (MigrationResult, error) {
	moved, err := store.Move(ctx, m.Database, m.To, progressWriter(out))
	result := MigrationResult{
		Source: moved.Source, Target: moved.Target, WasFinished: moved.WasFinished, Cleaned: moved.Cleaned, KeyID: moved.KeyID,
		Tables: []MigratedTable{}, NotCopied: []TableLeftOut{},
	}
	for _, t := range moved.Tables {
		result.Tables = append(result.Tables, MigratedTable{t.Table, t.From.Rows, t.To.Rows, t.To.Checksum(), t.Equal()})
	}
	for _, t := range moved.Skipped {
		result.NotCopied = append(result.NotCopied, TableLeftOut{t.Table, t.Reason})
	}
	if err == nil {
		result.KeyAdvice = m.keyAdvice(moved.KeyID)
	}
	return result, err
}

// CancelMigration makes a database usable again that was migrated to another one, and
// returns what the operator should know.
func CancelMigration(ctx context.Context, database string) (string, error) {
	other, finished, err := store.CancelMove(ctx, database)
	if err != nil {
		return "", err
	}
	if finished {
		return fmt.Sprintf("a server can use %s again. What %s received since the migration is only there: stop its servers first, "+
			"because both databases would report the other's jobs as missed", store.DescribeAddress(database), other), nil
	}
	return fmt.Sprintf("a server can use %s again. %s contains an incomplete copy: delete it, or run overdue migrate again", store.DescribeAddress(database), other), nil
}

// progressWriter returns a function that writes a line of progress at most once in an
// interval.
func progressWriter(out io.Writer) func(store.MoveProgress) error {
	verbs := map[string]string{"copy": "copying", "compare": "comparing"}
	last := time.Now()
	return func(p store.MoveProgress) error {
		if time.Since(last) < progressInterval {
			return nil
		}
		last = time.Now()
		line := fmt.Sprintf("%s %s: %d", verbs[p.Step], p.Table, p.Done)
		if p.Total > 0 {
			line += fmt.Sprintf(" of %d", p.Total)
		}
		_, err := fmt.Fprintln(out, line+" rows")
		return err
	}
}

// keyAdvice returns which key the servers of the target need.
func (m Migration) keyAdvice(id string) string {
	if id == "" {
		return "the database has no encrypted secrets yet; the next start of a server encrypts them with its key"
	}
	path, _ := m.SecretKey.file(m.Database)
	target, hasDefault := SecretKey{}.file(m.To)
	if key, err := readKey(target); hasDefault && err == nil && key != nil && key.ID() == id {
		return fmt.Sprintf("the new server needs the secret key %s, which is in %s", id, target)
	}
	now, next, err := m.SecretKey.candidates(m.Database)
	switch holds := func(k *seal.Key) bool { return k != nil && k.ID() == id }; {
	case err == nil && holds(now) && m.SecretKey.Text != "":
		return fmt.Sprintf("the new server needs the secret key %s: the one in OVERDUE_SECRET_KEY", id)
	case err == nil && holds(next):
		path += newKeySuffix
	case err == nil && holds(now):
	case path == "" && m.SecretKey.Text == "":
		return fmt.Sprintf("the new server needs the secret key %s: the one that the servers of the source use", id)
	default:
		return fmt.Sprintf("the new server needs the secret key %s, which is not in %s: without it, the settings of all channels are lost", id, m.SecretKey.describe(m.Database))
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	advice := fmt.Sprintf("the new server needs the secret key %s: start it with --secret-key-file %s, or a copy of that file", id, path)
	if _, err := os.Stat(target); hasDefault && err != nil {
		advice += "; as " + target + ", it is found without the flag"
	}
	return advice
}
