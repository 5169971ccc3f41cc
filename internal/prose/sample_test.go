package prose_test

import (
	"slices"
	"testing"

	"overdue/internal/prose"
)

// values returns the items of a kind in the files.
func values(t *testing.T, kind string, files map[string]string) []string {
	t.Helper()
	all, err := prose.Population(repository(t, files), kind)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range all {
		got = append(got, item.Value)
	}
	return got
}

func TestPopulation_ReturnsTheItemsOfEachKind(t *testing.T) {
	files := map[string]string{
		"internal/a/a.go": "// Package a is small.\npackage a\n\nimport \"errors\"\n\n// T counts.\ntype T struct{}\n\n// Stop ends the count.\n" +
			"func (T) Stop() error {\n\tslog.Warn(\"count not stopped\", \"n\", 1)\n\treturn errors.New(\"a: cannot stop\")\n}\n",
		"internal/web/view/p.templ": "package view\n\ntempl P() {\n\t<p title=\"The whole text\">Nothing is here.</p>\n}\n",
		"internal/a/a_test.go":      "package a\n\nfunc TestStop_EndsTheCount() {}\n",
		"README.md":                 "# A title of four words\n\nOne sentence has words. Another sentence has `code` too.\n\n| two short | a cell with four words |\n",
	}
	for kind, want := range map[string][]string{
		"comments":  {"Package a is small.", "T counts.", "Stop ends the count."},
		"sentences": {"One sentence has words", "Another sentence has `code` too.", "a cell with four words"},
		"errors":    {"a: cannot stop"},
		"logs":      {"count not stopped"},
		"ui":        {"The whole text", "Nothing is here."},
		"files":     {"internal/a/a.go"},
		"names":     {"a.T", "a.T.Stop"},
		"testfiles": {"internal/a/a_test.go"},
		"testnames": {"a.TestStop_EndsTheCount"},
	} {
		if got := values(t, kind, files); !slices.Equal(got, want) {
			t.Errorf("%s: got %q; want %q", kind, got, want)
		}
	}
}

func TestPopulation_FindsItemsOfEachKindInTheRepository(t *testing.T) {
	for _, kind := range prose.SampleKinds {
		all, err := prose.Population(root, kind)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) < 20 {
			t.Errorf("%s: found only %d items", kind, len(all))
		}
	}
}

func TestDraw_TakesItemsAtEqualDistances(t *testing.T) {
	var all []prose.Item
	for i := range 10 {
		all = append(all, prose.Item{Line: i})
	}
	var lines []int
	for _, item := range prose.Draw(all, 5, 0) {
		lines = append(lines, item.Line)
	}
	if want := []int{1, 3, 5, 7, 9}; !slices.Equal(lines, want) {
		t.Errorf("drew %v; want %v", lines, want)
	}
	if other := prose.Draw(all, 5, 0.5); other[0].Line != 2 || other[4].Line != 9 {
		t.Errorf("drew %v with a shift; want 2 to 9", other)
	}
	if drawn := prose.Draw(all, 20, 0); len(drawn) != 10 {
		t.Errorf("drew %d of 10 items; want all", len(drawn))
	}
}
