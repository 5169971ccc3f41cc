package ui_test

import (
	"testing"

	"overdue/internal/web/view/ui"
)

func TestCount_HasThousandsSeparators(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1284: "1,284", 1234567: "1,234,567", -1284: "-1,284", -100: "-100"} {
		if got := ui.Count(n); got != want {
			t.Errorf("%d reads %q; want %q", n, got, want)
		}
	}
	if got := ui.Plural(1, "ping") + ", " + ui.Plural(1137, "ping") + ", " + ui.Plural(0, "ping"); got != "1 ping, 1,137 pings, 0 pings" {
		t.Errorf("nouns read %q", got)
	}
}

func TestRange_ShowsFirstLastAndTotal(t *testing.T) {
	for _, c := range []struct {
		first, last, total int
		want               string
	}{{1, 25, 1284, "1–25 of 1,284"}, {1, 0, 0, "None"}, {26, 50, -1, "26–50"}, {26, 50, -10_000, "26–50 of 10,000+"}, {1, 1, 1, "1–1 of 1"}} {
		if got := ui.Range(c.first, c.last, c.total); got != c.want {
			t.Errorf("range reads %q; want %q", got, c.want)
		}
	}
}

func TestJoinWords_EndsWithAnd(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "Slack": {"Slack"}, "Slack and email": {"Slack", "email"}, "Slack, PagerDuty and email": {"Slack", "PagerDuty", "email"}} {
		if got := ui.JoinWords(words); got != want {
			t.Errorf("%v reads %q; want %q", words, got, want)
		}
	}
}
