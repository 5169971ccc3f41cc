package store_test

import (
	"context"
	"strings"
	"testing"

	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// TestOpenToServe_ReportsUnsuitablePostgreSQLServers uses a separate PostgreSQL
// server, because all databases of a server share its roles.
func TestOpenToServe_ReportsUnsuitablePostgreSQLServers(t *testing.T) {
	server := startPostgres(t, true)
	admin := openStore(t, server.Address())
	for _, statement := range []string{
		"CREATE ROLE app LOGIN", "CREATE ROLE few LOGIN CONNECTION LIMIT 5", "CREATE DATABASE few OWNER few",
		"CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
		"CREATE DATABASE readonly", "ALTER DATABASE readonly SET default_transaction_read_only = on", "CREATE DATABASE bare",
	} {
		if err := store.ExecPostgres(admin, statement); err != nil {
			t.Fatal(err)
		}
	}
	at := func(database, role string) string {
		address := strings.Replace(server.Address(), "/postgres?", "/"+database+"?", 1)
		return strings.Replace(address, "user=overdue", "user="+role, 1)
	}
	for _, c := range []struct{ name, address, want string }{
		{"encoding", at("ascii", "overdue"), "the database has the encoding SQL_ASCII"},
		{"read-only", at("readonly", "overdue"), "read-only standby"},
		{"no right to create", at("bare", "app"), `GRANT CREATE ON SCHEMA "public" TO "app"`},
		{"no right to read", at("postgres", "app"), `role "app" cannot read and write alerts`},
		{"few connections", at("few", "few"), "5 of the 13 connections"},
		{"no such schema", strings.Replace(at("bare", "overdue"), "search_path=public", "search_path=nowhere", 1), "search_path"},
	} {
		db, err := store.OpenToServe(context.Background(), c.address, store.ServeOptions{})
		if err == nil {
			t.Errorf("%s: it was opened", c.name)
			err = db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q in it", c.name, err, c.want)
		}
	}
}

func TestOpen_TwoPostgreSQLSchemasAreSeparateStores(t *testing.T) {
	address := storetest.NewPostgresDatabase(t)
	admin := openStore(t, address)
	stores := map[string]*fixture{}
	for _, schema := range []string{"staging", "production"} {
		if err := store.ExecPostgres(admin, "CREATE SCHEMA "+schema); err != nil {
			t.Fatal(err)
		}
		w := &fixture{T: t, db: openStore(t, strings.Replace(address, "search_path=public", "search_path="+schema, 1)), start: realTimeStart}
		w.project = w.addProject(schema)
		stores[schema] = w
	}
	for schema, w := range stores {
		w.update(func(tx *store.Tx) error {
			projects, err := tx.Projects()
			if len(projects) != 1 || projects[0].Slug != schema {
				t.Errorf("schema %s has the projects %+v", schema, projects)
			}
			return err
		})
	}
}
