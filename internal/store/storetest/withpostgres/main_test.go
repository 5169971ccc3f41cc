package main

import (
	"strings"
	"testing"

	"overdue/internal/store/storetest"
)

func TestRun_RejectsASelectionOfDatabases(t *testing.T) {
	t.Setenv(storetest.DatabasesVariable, storetest.SQLiteOnly)
	code, err := run([]string{"true"})
	if code == 0 || err == nil || !strings.Contains(err.Error(), storetest.DatabasesVariable) {
		t.Errorf("exit code %d, %v; want an error that names %s", code, err, storetest.DatabasesVariable)
	}
}
