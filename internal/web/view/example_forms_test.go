package view_test

import (
	"strings"
	"time"

	"overdue/internal/web/view"
)

// exampleNews is the list with news above it.
func exampleNews() view.HeartbeatsPage {
	p := exampleHeartbeats()
	p.News = view.News{Address: "/heartbeats?tag=edge", Down: 2, New: 1, Gone: 1}
	return p
}

// exampleElsewhere is a form of another project than the one that is open.
func exampleElsewhere() view.ElsewherePage {
	return view.ElsewherePage{
		Shell: exampleShell(), There: "Production & <b>more</b>", Draft: "sealed",
		Typed: []view.Choice{{Label: "name", Value: strings.Repeat("Nächtliche Sicherung der Lagerdatenbank ", 3)}, {Label: "interval", Value: "24h"}, {Label: "description", Value: "<script>alert(1)</script>"}},
	}
}

// exampleStale is a form that was saved on an older version.
func exampleStale() view.StalePage {
	s := exampleShell()
	return view.StalePage{
		Shell: s, Title: strings.Repeat("Warehouse stock sync ", 5), Action: "/heartbeats/x", Back: "/heartbeats/x", By: "Priya Nair", At: s.Now.Add(-2 * time.Minute),
		Lines: []view.StaleLine{
			{Field: "grace", Label: "Grace period", Was: "10m", Theirs: "10m", Yours: "30m", Result: "Only you changed it: your value is kept."},
			{Field: "description", Label: "Description", Theirs: "Runbook: https://wiki.example/" + strings.Repeat("very-long-path/", 12), Result: "Only they changed it: their value is kept."},
			{Field: "tags", Label: "Tags", Was: "edge", Theirs: "edge, db, " + strings.Repeat("a-long-tag-", 5), Yours: "edge, disk, شحن", Choose: true},
		},
		Fields: []view.Choice{{Value: "1", Label: view.VersionField}},
	}
}
