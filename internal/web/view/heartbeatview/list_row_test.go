package heartbeatview

import (
	"strings"
	"testing"
	"time"

	"overdue/internal/web/view/ui"
)

// renderRow returns the HTML of a row.
func renderRow(t *testing.T, r Row) string {
	t.Helper()
	var html strings.Builder
	if err := ListRow(ui.Clock{Now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Zone: time.UTC}, r).Render(t.Context(), &html); err != nil {
		t.Fatal(err)
	}
	return html.String()
}

func TestListRow_ShowsTwoTagsAndFoldsTheOthers(t *testing.T) {
	html := renderRow(t, Row{Key: "k", Name: "backup", Status: "up", Tags: []string{"a", "b", "c", "d", "e"}})
	before, folded, found := strings.Cut(html, "<details")
	if !found || !strings.Contains(folded, ">+3<") || !strings.Contains(folded, `title="c, d, e"`) {
		t.Errorf("the row does not fold three tags:\n%s", html)
	}
	if n := strings.Count(before, `class="tag"`); n != 2 {
		t.Errorf("%d tags are before the disclosure; want 2", n)
	}
	if n := strings.Count(html, `<a class="tag"`); n != 5 {
		t.Errorf("the row links %d tags; want all 5", n)
	}
	if html := renderRow(t, Row{Key: "k", Name: "backup", Status: "up", Tags: []string{"a", "b"}}); strings.Contains(html, "<details") {
		t.Error("two tags need no disclosure")
	}
}

func TestListRow_TheFullNameIsInTheTitle(t *testing.T) {
	name := strings.Repeat("x", 100)
	if html := renderRow(t, Row{Key: "k", Name: name, Status: "up"}); !strings.Contains(html, `title="`+name+`"><bdi>`+name+"</bdi>") {
		t.Errorf("the name is not isolated, or not in the title:\n%s", html)
	}
}

func TestListRow_ARunningNewHeartbeatShowsItsRun(t *testing.T) {
	start := time.Date(2026, 11, 30, 11, 56, 0, 0, time.UTC)
	html := renderRow(t, Row{Key: "k", Name: "backup", Status: "new", LastStart: start, RunningSince: start})
	for _, text := range []string{"Waiting for the first run to finish", "Running for", `data-status="running"`} {
		if !strings.Contains(html, text) {
			t.Errorf("the row does not have %q:\n%s", text, html)
		}
	}
}
