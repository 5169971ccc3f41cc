package view_test

import (
	"strings"
	"time"

	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// exampleUpdates is the list with the bar of updates.
func exampleUpdates() heartbeatview.ListPage {
	p := exampleHeartbeats()
	p.Updates = layout.ListUpdates{Path: "/heartbeats?tag=edge", Down: 2, New: 1, Deleted: 1}
	return p
}

// exampleWrongProject is a form of a project that is no longer open.
func exampleWrongProject() layout.WrongProjectPage {
	return layout.WrongProjectPage{
		Shell: exampleShell(), FormProject: "Production & <b>more</b>", HeldForm: "sealed",
		Typed: []ui.Option{{Label: "name", Value: strings.Repeat("Nächtliche Sicherung der Lagerdatenbank ", 3)}, {Label: "interval", Value: "24h"}, {Label: "description", Value: "<script>alert(1)</script>"}},
	}
}

// exampleEditConflict is a form that edits an outdated version.
func exampleEditConflict() layout.EditConflictPage {
	s := exampleShell()
	return layout.EditConflictPage{
		Shell: s, Title: strings.Repeat("Warehouse stock sync ", 5), Action: "/heartbeats/x", CancelPath: "/heartbeats/x", ChangedBy: "Priya Nair", ChangedAt: s.Now.Add(-2 * time.Minute),
		Conflicts: []layout.FieldConflict{
			{Field: "grace", Label: "Grace period", Original: "10m", Saved: "10m", Submitted: "30m", Result: "Only you changed it: your value is kept."},
			{Field: "description", Label: "Description", Saved: "Runbook: https://wiki.example/" + strings.Repeat("very-long-path/", 12), Result: "Only they changed it: their value is kept."},
			{Field: "tags", Label: "Tags", Original: "edge", Saved: "edge, db, " + strings.Repeat("a-long-tag-", 5), Submitted: "edge, disk, شحن", Choose: true},
		},
		Fields: []ui.Option{{Value: "1", Label: ui.VersionField}},
	}
}
