package postgres

import (
	"strings"
	"testing"
)

func TestServerFacts_AnErrorSaysHowToFixTheServer(t *testing.T) {
	good := serverFacts{version: 150007, encoding: "UTF8", synchronousCommit: "on", role: "app", schema: "public", canCreate: true}
	if err := good.problem(false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*serverFacts)
		want   []string
	}{
		{"too old", func(f *serverFacts) { f.version = 130014 }, []string{"PostgreSQL 13 is too old", "14 or later"}},
		{"encoding", func(f *serverFacts) { f.encoding = "SQL_ASCII" }, []string{"SQL_ASCII", "ENCODING 'UTF8'"}},
		{"standby", func(f *serverFacts) { f.readOnly = true }, []string{"read-only standby", "target_session_attrs=read-write"}},
		{"not synced", func(f *serverFacts) { f.synchronousCommit = "off" }, []string{"synchronous_commit stays off", `ALTER ROLE "app" SET synchronous_commit = on`}},
		{"no schema", func(f *serverFacts) { f.schema = "" }, []string{"search_path"}},
		{"no tables yet", func(f *serverFacts) { f.canCreate = false }, []string{`GRANT CREATE ON SCHEMA "public" TO "app"`}},
		{"tables of another role", func(f *serverFacts) { f.hasTables, f.inaccessibleTables = true, "pings" }, []string{`cannot read and write pings`, "GRANT SELECT"}},
	} {
		f := good
		c.change(&f)
		err := f.problem(false)
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v; want one with %q", c.name, err, part)
			}
		}
	}
	good.synchronousCommit = "off"
	if err := good.problem(true); err != nil {
		t.Errorf("synchronous_commit set in the address: %v", err)
	}
	good.synchronousCommit, good.canCreate, good.hasTables = "on", false, true
	if err := good.problem(false); err != nil {
		t.Errorf("a role that does not have to create tables: %v", err)
	}
}
