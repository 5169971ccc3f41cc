package docsite

import (
	"strings"
	"testing"

	"overdue/internal/web/view/docsview"
)

// testSections are the sections that tests search.
var testSections = []Section{
	{slug: "a", page: "Statuses", text: "The meaning of each status."},
	{slug: "a", page: "Statuses", title: "Late", id: "late", text: "The interval is over, the grace period is not."},
	{slug: "b", page: "Grace period", text: "How late a ping may be."},
	{slug: "b", page: "Grace period", title: "The sum", id: "the-sum", text: "Due and grace give the deadline. Überall gilt das."},
	{slug: "c", page: "Words", title: "Pings", id: "pings", text: "A pinging job."},
}

// hitPlaces returns the targets of results, in their order.
func hitPlaces(hits []docsview.SearchResult) string {
	var all []string
	for _, h := range hits {
		all = append(all, h.Slug+"#"+h.Anchor)
	}
	return strings.Join(all, " ")
}

// markedWords returns an excerpt with matches in brackets.
func markedWords(pieces []docsview.ExcerptPart) string {
	var out strings.Builder
	for _, p := range pieces {
		if p.Match {
			out.WriteString("[" + p.Text + "]")
		} else {
			out.WriteString(p.Text)
		}
	}
	return out.String()
}

func TestSearch_RanksTitlesAboveHeadingsAboveText(t *testing.T) {
	for query, want := range map[string]string{
		"grace":          "b# a#late b#the-sum",
		"late":           "a#late b#",
		"grace late":     "b# a#late",
		"GRACE  Period ": "b# a#late b#the-sum",
		"grace deadline": "b#the-sum",
		"stat":           "a# a#late",
		"ping":           "c#pings b#",
		"tatus":          "",
		"nowhere":        "",
		"":               "",
		"  ":             "",
		"überall":        "b#the-sum",
		"<mark>":         "",
	} {
		if got := hitPlaces(Search(testSections, query)); got != want {
			t.Errorf("%q finds %q; want %q", query, got, want)
		}
	}
}

func TestExcerpt_MarksMatchesAndOmissions(t *testing.T) {
	got := markedWords(Search(testSections, "grace DEADLINE")[0].Excerpt)
	if want := "Due and [grace] give the [deadline]. Überall gilt das."; got != want {
		t.Errorf("excerpt %q; want %q", got, want)
	}
	long := strings.Repeat("before ", 40) + "needle " + strings.Repeat("after ", 60)
	got = markedWords(excerpt(long, []string{"needle"}))
	if !strings.HasPrefix(got, "… before ") || !strings.HasSuffix(got, " after …") || !strings.Contains(got, "[needle]") || len(got) > 300 {
		t.Errorf("excerpt of a long text: %q", got)
	}
	if got := markedWords(excerpt("no word of it", []string{"needle"})); got != "no word of it" {
		t.Errorf("excerpt without a match: %q", got)
	}
}

func TestSearch_FindsCommonQuestions(t *testing.T) {
	sections := loadManual(t).Sections()
	for query, want := range map[string]string{
		"grace period": "grace-period#", "webhook signature": "channels#verify-the-signature", "smtp": "channels#email",
		"nginx": "self-hosting#behind-a-proxy", "backup restore": "self-hosting#", "retry": "", "pg_dump": "self-hosting#backup",
	} {
		got := hitPlaces(Search(sections, query))
		if !strings.HasPrefix(got, want) && !strings.Contains(got, " "+want) || got == "" {
			t.Errorf("%q finds %q; want %q among them", query, got, want)
		}
	}
}

func FuzzSearch_MarksOnlyMatches(f *testing.F) {
	f.Add("grace", "the grace period")
	f.Add("İ", "İstanbul straße")
	f.Fuzz(func(t *testing.T, query, text string) {
		for _, h := range Search([]Section{{slug: "s", page: "P", title: "T", id: "t", text: text}}, query) {
			for _, p := range h.Excerpt {
				if p.Match && !strings.Contains(text, p.Text) {
					t.Errorf("%q is marked, but not in %q", p.Text, text)
				}
			}
		}
	})
}
