package groupview

import (
	"strings"
	"testing"
	"time"
)

func TestTitle_TheTimeContainsAllOpenings(t *testing.T) {
	first := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for span, want := range map[time.Duration]string{0: "1s", 900 * time.Millisecond: "1s", time.Second: "1s", 1200 * time.Millisecond: "2s", 90 * time.Second: "1m 30s"} {
		p := Page{Open: 2, First: first, Last: first.Add(span)}
		if got := p.Title(); !strings.HasSuffix(got, "within "+want) {
			t.Errorf("%s: %q; want within %s", span, got, want)
		}
	}
}
