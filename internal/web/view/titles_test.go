package view_test

import (
	"testing"

	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

func TestPageTitle_AndOtherTexts_UseTheProductsTerms(t *testing.T) {
	for _, w := range []struct{ got, want string }{
		{layout.PageTitle("Heartbeats", "Production", 2), "(2 down) Heartbeats · Production · Overdue"},
		{layout.PageTitle("Heartbeats", "Production", 0), "Heartbeats · Production · Overdue"},
		{heartbeatview.Announcement("Warehouse stock sync", "down"), "Warehouse stock sync is Down"},
		{ui.Cause("missed"), "Missed ping"},
		{ui.Cause("failure"), "Reported failure"},
		{ui.Cause("overran"), "Ran too long"},
		{ui.Cause("something new"), "something new"},
		{incidentview.Title("Nightly backup", "missed"), "Nightly backup missed its ping"},
		{incidentview.Title("Nightly backup", "something new"), "Nightly backup went Down"},
	} {
		if w.got != w.want {
			t.Errorf("reads %q; want %q", w.got, w.want)
		}
	}
}
