package schedule

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDurationsWithoutUnit_ListsWhatABareNumberCanMean(t *testing.T) {
	for text, want := range map[string][]string{
		"24": {"24h", "24m", "24s", "24d"}, " 07 ": {"7h", "7m", "7s", "7d"}, "3600": {"3600h", "3600m", "3600s"}, "86400": {"86400m", "86400s"},
		"0": nil, "00": nil, "": nil, "24h": nil, "1.5": nil, "-5": nil, "99999999999": nil, "９": nil,
	} {
		got, bare := DurationsWithoutUnit(text)
		if diff := cmp.Diff(want, got); diff != "" || bare != (want != nil) {
			t.Errorf("%q: %v %v; want %v", text, got, bare, want)
		}
	}
	if got := JoinAlternatives([]string{"24h", "24m", "24d"}); got != "24h, 24m (minutes) or 24d" {
		t.Error(got)
	}
}
