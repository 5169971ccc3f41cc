package store_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/seal"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// schema14Key encrypts the secrets in testdata/schema14.sql.
const schema14Key = "a2V5IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZy4="

// bytesLiteral finds the bytes in testdata/schema14.sql.
var bytesLiteral = regexp.MustCompile(`BYTES\('([0-9a-f]*)'\)`)

// insertSchema14 inserts the rows of testdata/schema14.sql.
func insertSchema14(t *testing.T, db *store.DB) {
	t.Helper()
	text, err := os.ReadFile("testdata/schema14.sql")
	if err != nil {
		t.Fatal(err)
	}
	bytes := `decode('$1', 'hex')`
	if store.OnSQLite(db) {
		bytes = `X'$1'`
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "--") {
			continue
		}
		if _, err := store.QueryWriter(db, bytesLiteral.ReplaceAllString(strings.TrimSpace(line), bytes)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

// TestMigrations_KeepEveryRowOfSchema14 migrates a database that a server of schema 14
// wrote: each value stays, and the store reads the rows as before.
func TestMigrations_KeepEveryRowOfSchema14(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			old := openStore(t, address)
			if err := store.MigrateDown(ctx, old, 14); err != nil {
				t.Fatal(err)
			}
			insertSchema14(t, old)
			schema, err := store.SchemaOf(old)
			if err != nil {
				t.Fatal(err)
			}
			delete(schema, "goose_db_version") // grows
			before, err := store.ContentOfTables(old, schema)
			if err != nil {
				t.Fatal(err)
			}
			w := &fixture{T: t, db: openStore(t, address)}
			after, err := store.ContentOfTables(w.db, schema)
			if err != nil {
				t.Fatal(err)
			}
			after["counters"] = slices.DeleteFunc(after["counters"], func(row string) bool { return !slices.Contains(before["counters"], row) }) // it has new ones
			if diff := cmp.Diff(before, after); diff != "" || len(before["pings"]) != 10 {
				t.Errorf("%d pings; rows (-before +after):\n%s", len(before["pings"]), diff)
			}
			w.expectSchema14(ctx)
		})
	}
}

// expectSchema14 reads the rows of testdata/schema14.sql through the store.
func (w *fixture) expectSchema14(ctx context.Context) {
	w.Helper()
	key, err := seal.ParseKey(schema14Key)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.db.UseSecretKey(ctx, key); err != nil {
		w.Fatal(err)
	}
	if problems, err := w.db.CheckIntegrity(ctx); err != nil || len(problems) > 0 {
		w.Errorf("problems %v, %v; want none", problems, err)
	}
	w.project = view(w, func(tx *store.Tx) (monitor.Project, error) { return tx.ProjectBySlugOrName("main") })
	got := map[string]string{}
	for key, name := range []string{"Nightly backup", "Report", "Import"} {
		h := view(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(int64(key + 1)) })
		if h.Name != name {
			w.Errorf("heartbeat %d is %q", key+1, h.Name)
		}
		got[h.Name] = string(h.Status)
	}
	want := map[string]string{"Nightly backup": "down", "Report": "up", "Import": "up"}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("status (-want +got):\n%s", diff)
	}
	if incidents := w.incidents(w.project.Key); len(incidents) != 2 || incidents[0].Number != 1 || !incidents[0].ResolvedAt.IsZero() || incidents[1].ResolvedAt.IsZero() {
		w.Errorf("incidents %+v; want an open and a resolved one", incidents)
	}
	channels := view(w, func(tx *store.Tx) ([]monitor.Channel, error) { return tx.Channels(w.project.Key) })
	if len(channels) != 1 || channels[0].Settings["url"] != "https://alerts.example.com/hook" || !channels[0].NotifyOnLate {
		w.Errorf("channels %+v", channels)
	}
}
