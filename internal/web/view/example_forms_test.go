package view_test

import (
	"strings"
	"time"

	"overdue/internal/web/view"
)

// exampleNews is the list with news above it.
func exampleNews() view.HeartbeatsPage {
	p := exampleHeartbeats()
	p.Updates = view.ListUpdates{Path: "/heartbeats?tag=edge", Down: 2, New: 1, Deleted: 1}
	return p
}

// exampleElsewhere is a form of another project than the one that is open.
func exampleElsewhere() view.WrongProjectPage {
	return view.WrongProjectPage{
		Shell: exampleShell(), FormProject: "Production & <b>more</b>", HeldForm: "sealed",
		Typed: []view.Option{{Label: "name", Value: strings.Repeat("Nächtliche Sicherung der Lagerdatenbank ", 3)}, {Label: "interval", Value: "24h"}, {Label: "description", Value: "<script>alert(1)</script>"}},
	}
}

// exampleStale is a form that was saved on an older version.
func exampleStale() view.EditConflictPage {
	s := exampleShell()
	return view.EditConflictPage{
		Shell: s, Title: strings.Repeat("Warehouse stock sync ", 5), Action: "/heartbeats/x", CancelPath: "/heartbeats/x", ChangedBy: "Priya Nair", ChangedAt: s.Now.Add(-2 * time.Minute),
		Conflicts: []view.FieldConflict{
			{Field: "grace", Label: "Grace period", Original: "10m", Saved: "10m", Submitted: "30m", Result: "Only you changed it: your value is kept."},
			{Field: "description", Label: "Description", Saved: "Runbook: https://wiki.example/" + strings.Repeat("very-long-path/", 12), Result: "Only they changed it: their value is kept."},
			{Field: "tags", Label: "Tags", Original: "edge", Saved: "edge, db, " + strings.Repeat("a-long-tag-", 5), Submitted: "edge, disk, شحن", Choose: true},
		},
		Fields: []view.Option{{Value: "1", Label: view.VersionField}},
	}
}
