package store

import (
	"strings"
	"testing"
)

func TestFacts_WhatMakesPingsImpossibleIsSaidWithWhatToDo(t *testing.T) {
	good := facts{version: 150007, encoding: "UTF8", commit: "on", role: "app", schema: "public", mayCreate: true}
	if err := good.problem(false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(*facts)
		want  []string
	}{
		{"too old", func(f *facts) { f.version = 130014 }, []string{"PostgreSQL 13 is too old", "14 or later"}},
		{"encoding", func(f *facts) { f.encoding = "SQL_ASCII" }, []string{"SQL_ASCII", "ENCODING 'UTF8'"}},
		{"standby", func(f *facts) { f.readOnly = true }, []string{"read-only standby", "target_session_attrs=read-write"}},
		{"not synced", func(f *facts) { f.commit = "off" }, []string{"synchronous_commit is off", `ALTER ROLE "app" SET synchronous_commit = on`}},
		{"no schema", func(f *facts) { f.schema = "" }, []string{"search_path"}},
		{"no tables yet", func(f *facts) { f.mayCreate = false }, []string{`GRANT CREATE ON SCHEMA "public" TO "app"`}},
		{"tables of another role", func(f *facts) { f.made, f.unreachable = true, "pings" }, []string{`may not read and write pings`, "GRANT SELECT"}},
	} {
		f := good
		c.spoil(&f)
		err := f.problem(false)
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; want %q in it", c.name, err, part)
			}
		}
	}
	good.commit = "off"
	if err := good.problem(true); err != nil {
		t.Errorf("synchronous_commit as the address says: %v", err)
	}
	good.commit, good.mayCreate, good.made = "on", false, true
	if err := good.problem(false); err != nil {
		t.Errorf("a role that need not create anything: %v", err)
	}
}
