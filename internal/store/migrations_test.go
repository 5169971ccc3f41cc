package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// landedMigrations contains the SHA-256 checksum of every migration. Later edits of a
// migration never reach a database that has it, so lines are only added.
var landedMigrations = map[string]string{
	"0001_engine.sql":              "4abd899786ad7865b2d2ecb3594688493964c0f5b80e5c542d37661ef9bdc09e",
	"0002_people.sql":              "774b3a999059b6a30ae0ac47630adaf42297a59f5a967b3c2d802d237bd9eeaa",
	"0003_pages.sql":               "48b571731252fbde48faea34a00e69823569351e4a4d0df3cd63be8e863a5dac",
	"0004_schedules.sql":           "3fb88aa32b7a56fd585cc42c6bb9632c4fe7f456055cea7904835f8e2ba75614",
	"0005_credentials.sql":         "e6e320d809dd421dd846d3ddf4aa1c26fc7be3f9e69f0d7d43dd38393c528ef0",
	"0007_holds.sql":               "323ea9f62df1e2d003cf227d7a69ae8ada253f0a995caa9440eac3ac775b3ad6",
	"0008_versions.sql":            "761581a3fb90340ea9b053aa3a76a3e2dafe94e9ab1c428d520ebb93f00d8bcb",
	"0010_pings.sql":               "a3ae6ac593a38a65a7d59f5c41e52707e934b15c86c839fba7e38c80b7be558f",
	"0009_audit.sql":               "75ca1005d609c2df9966ff49ddf4b086467f28fb9ccc5dd43b268bd423c0a45e",
	"0011_recipients.sql":          "eea1b64294881f8aef3cb710c567e0b27ec4b64ae9bf31ca51c7ca0c4dd918e8",
	"0012_notify_names.sql":        "646263daef5f1de1bc32ef3d9370ce1829aa0b30c4099cb26199857e98ebba2e",
	"0013_severity.sql":            "1ceb13a82831f0c173d11d6763ce33bdbb2cab477bab8f67173c6a91faffdb36",
	"0015_blackouts.sql":           "ef8ab8a9d8b2c65b6fda7896bd6dc765708f7d66a259a4ac4b7dbac1ffa95aad",
	"0014_person_zone.sql":         "067267cd0a12228fb5538ce297201194025ce3de1250ba0be3710cd850ed4c87",
	"0017_retention.sql":           "b526911181e9dc614928f80c5a1905fc5488126e45ebcb706002d70d8cdea9ea",
	"0016_nodes.sql":               "db7f5c6494c3b3467ff76eb6a4f025862e7b24b674a74dc1a30610ce8877333d",
	"0018_ping_blocks.sql":         "e62047fc04c07e4fb5e598aa20f53aaa0a16178740c61729e7681b66559c0c09",
	"0022_deadlines.sql":           "0e1ef5b4f3344b80cee893ff03d7e890cf98a910b2a3878baff782af282d1fc9",
	"postgres/0022_deadlines.sql":  "45b0ab5236685c2dbb92c9c5422518c128446637575a1971e4cfb26dd5ba6d3a",
	"0021_delivery.sql":            "c24eb268aaed30df099aa6b1e45bf6aa2d75dd63879415184a9f2c98defff626",
	"0019_list_changes.sql":        "225c4a851786705fe3a78a16b85856075c676220ace103836f407be0b1232d31",
	"0006_repair_first_schema.sql": "8e8636ed6ae4ecc7b972e9fd6ff033879e96668f00fd8bc4a67951ad706749a1",
	"0024_threads.sql":             "0d99ebeae223ae8d08336c14d07a4f9ac9d75135dbaf54952908dbcfb0aa6c1c",
	"0025_storms.sql":              "578c3d667a4f8b63d866d89149229c4420aa6ed31af7f16956923b817fe29b86",
	"0027_policies.sql":            "62fa51db513bfcb39a9b81b9f9e60071ec9a04ee10e991ed7bd12aca75582919",
	"0029_heartbeat_policy.sql":    "47a0f935359bb8f764ab41e4f7373554ccdc34d25a0e5ea74e6041da84b2dd51",
	"0028_quiet.sql":               "f83d8896a62e7af68206ec920dc33da217172fa61d6c6a01faf97b0d5f276a8f",
	"0031_instances.sql":           "c525dbd558d43cc443c7f1ec8cfcee0fd8abdf5c642d548e5986c5152a6dfd8a",
	"0033_groups.sql":              "2ee00b5a60237880ec2d2bf5bcf92a0cf2c740e2e966e614ed7a93f5bab63770",
	"0034_flapping.sql":            "5111e72079ceb9d994c51448da95171c43c18cb875c85c58112429195f5fef2c",
	"0035_maintenance.sql":         "dd12c91a87c50d1c1b15939ff9602a33b7ce3bc562d3f42ea88ae378966cedfc",
}

func TestMigrations_NeverChangeAfterLanding(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	ofPostgres, err := filepath.Glob("migrations/postgres/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range append(files, ofPostgres...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, sum := strings.TrimPrefix(file, "migrations/"), sha256.Sum256(text)
		found[name] = true
		switch want, known := landedMigrations[name]; {
		case !known:
			t.Errorf("%s is not in the list; add\n\t%q: %q,", name, name, hex.EncodeToString(sum[:]))
		case hex.EncodeToString(sum[:]) != want:
			t.Errorf("%s has changed since it landed; revert it, and write a new migration", name)
		}
	}
	for name := range landedMigrations {
		if !found[name] {
			t.Errorf("%s is missing; databases that have it would no longer open", name)
		}
		if base, own := strings.CutPrefix(name, "postgres/"); own && !found[base] {
			t.Errorf("%s replaces no file", name)
		}
	}
}

// TestMigrations_RepairTheFirstSchema opens a database as the first version
// of migration 1 left it, without the table and the index added later.
func TestMigrations_RepairTheFirstSchema(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			db := openStore(t, address)
			if err := store.MigrateDown(ctx, db, 5); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"DROP TABLE journal", "DROP INDEX incidents_unresolved"} {
				if _, err := store.QueryWriter(db, text); err != nil {
					t.Fatal(err)
				}
			}
			w := &fixture{T: t, db: openStore(t, address), start: realTimeStart}
			if err := w.db.Serve(ctx); err != nil {
				t.Fatal(err)
			}
			w.project = w.addProject("main")
			w.applyPings(w.newSavedHeartbeat("backup"), w.ping("success", 0))
			if _, err := store.QueryReader(w.db, "SELECT COUNT(*) FROM journal"); err != nil {
				t.Error(err)
			}
			if _, err := store.QueryWriter(w.db, "DROP INDEX incidents_unresolved"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMigrations_AlertsKeepTheirState goes back to the names that alerts and channels
// had before migration 12, and forward again.
func TestMigrations_AlertsKeepTheirState(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			w := &fixture{T: t, db: openStore(t, address), start: realTimeStart}
			if err := w.db.Serve(ctx); err != nil {
				t.Fatal(err)
			}
			w.project = w.addProject("main")
			late := w.newChannel("late")
			late.NotifyOnLate, late.NotifyOnRecovery = true, false
			late = w.addChannel(late)
			h := w.newSavedHeartbeat("backup")
			i := w.fail(h, time.Minute)
			before := w.alerts(i.ID, late)
			if err := store.MigrateDown(ctx, w.db, 11); err != nil {
				t.Fatal(err)
			}
			if state, err := store.QueryWriter(w.db, "SELECT state FROM alerts"); err != nil || state != "owed" {
				t.Fatalf("before the migration: %q, %v", state, err)
			}
			w.db = openStore(t, address)
			if diff := cmp.Diff(before, w.alerts(i.ID, late)); diff != "" || len(before) == 0 {
				t.Errorf("alerts (-before +after):\n%s", diff)
			}
			if got := w.claimAlerts(late, "a", time.Hour, 2*time.Hour, 10); len(got) != 1 {
				t.Errorf("claimed %v after the migration; want the pending alert", eventsOf(got))
			}
			var c monitor.Channel
			w.update(func(tx *store.Tx) (err error) { c, err = tx.Channel(w.project.Key, late.ID); return err })
			if !c.NotifyOnLate || c.NotifyOnRecovery {
				t.Errorf("the channel notifies on late: %t, on recovery: %t", c.NotifyOnLate, c.NotifyOnRecovery)
			}
		})
	}
}
