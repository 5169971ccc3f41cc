package app

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"overdue/internal/store"
)

// newMigrationSource returns a database that a server has used, and the id of its key.
func newMigrationSource(t *testing.T) (database, keyID string) {
	t.Helper()
	ctx := t.Context()
	database = filepath.Join(t.TempDir(), "overdue.db")
	db, err := store.Open(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ensureProject(ctx, db); err != nil {
		t.Fatal(err)
	}
	key, err := createKey(database + keySuffix)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.UseSecretKey(ctx, key); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return database, key.ID()
}

func TestMigrate_SaysWhichKeyTheNewServerNeeds(t *testing.T) {
	database, id := newMigrationSource(t)
	target := filepath.Join(t.TempDir(), "new.db")
	for want, m := range map[string]Migration{
		"start it with --secret-key-file " + database + keySuffix + ", or a copy of that file; as " + target + keySuffix: {Database: database, To: target},
		"start it with --secret-key-file " + database + keySuffix + ", or a copy of that file":                           {Database: database, To: "postgres://h/d"},
		"the one that the servers of the source use":                                                                     {Database: "postgres://h/d", To: target},
		"which is not in the key file " + target + keySuffix + ": without it, the settings of all channels are lost":     {Database: target, To: "postgres://h/d"},
	} {
		if got := m.keyAdvice(id); !strings.Contains(got, want) || !strings.Contains(got, id) {
			t.Errorf("%+v: %q; want %q", m, got, want)
		}
	}
	if got := (Migration{}).keyAdvice(""); !strings.Contains(got, "no encrypted secrets yet") {
		t.Errorf("without a key: %q", got)
	}
	if got := (Migration{Database: "postgres://h/d", To: database}).keyAdvice(id); !strings.HasSuffix(got, "which is in "+database+keySuffix) {
		t.Errorf("with the key in its place: %q", got)
	}
}

// TestMigrate_CommandsRejectADatabaseThatWasMigrated: their changes would be only in the
// database that no server uses.
func TestMigrate_CommandsRejectADatabaseThatWasMigrated(t *testing.T) {
	ctx := context.Background()
	database, id := newMigrationSource(t)
	target := filepath.Join(t.TempDir(), "new.db")
	result, err := Migrate(ctx, Migration{Database: database, To: target}, io.Discard)
	if err != nil || result.KeyID != id || len(result.Tables) < 20 || len(result.NotCopied) != 4 {
		t.Fatalf("%+v, %v", result, err)
	}
	commands := map[string]func() error{
		"api-key create":    func() error { _, err := CreateAPIKey(ctx, database, "", "deploy", false); return err },
		"secret-key rotate": func() error { return RotateSecretKey(ctx, database, KeyRotation{}, io.Discard) },
	}
	for name, command := range commands {
		if err := command(); err == nil || !strings.Contains(err.Error(), "was migrated to SQLite file "+target) {
			t.Errorf("%s: %v", name, err)
		}
	}
	line, err := CancelMigration(ctx, database)
	if err != nil || !strings.Contains(line, "stop its servers first") {
		t.Errorf("cancelled: %q, %v", line, err)
	}
	for name, command := range commands {
		if err := command(); err != nil {
			t.Errorf("%s after the cancellation: %v", name, err)
		}
	}
}
