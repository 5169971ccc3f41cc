package schedule

import (
	"testing"
	"time"
)

func BenchmarkNext(b *testing.B) {
	for _, c := range []struct{ name, line, zone string }{
		{"daily UTC", "0 3 * * *", "UTC"},
		{"daily Berlin", "0 3 * * *", "Europe/Berlin"},
		{"daily Lord Howe", "0 3 * * *", "Australia/Lord_Howe"},
		{"every 5 min", "*/5 * * * *", "Europe/Berlin"},
		{"29 February on a Sunday", "0 0 29-30 2 */8", "Europe/Berlin"},
		{"fifth Monday of February", "0 0 * 2 1#5", "Europe/Berlin"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := Cron([]string{c.line}, c.zone)
			if err != nil {
				b.Fatal(err)
			}
			benchmark(b, s)
		})
	}
	for _, line := range []string{"daily", "*:0/7", "Thu 02-29", "2199-12-31", "*:*:0/0.000001"} {
		b.Run("OnCalendar "+line, func(b *testing.B) {
			s, err := OnCalendar([]string{line}, "Europe/Berlin")
			if err != nil {
				b.Fatal(err)
			}
			benchmark(b, s)
		})
	}
}

func benchmark(b *testing.B, s Schedule) {
	b.Helper()
	b.ReportAllocs()
	at := time.Date(2026, 6, 10, 12, 34, 56, 0, time.UTC)
	for b.Loop() {
		s.Next(at)
	}
}

// The most expensive request: the maximum number of lines, all of them rare, and of slots.
func BenchmarkAround(b *testing.B) {
	for _, line := range []string{"*/5 * * * *", "0 0 29 2 1", "0 0 * 2 1#5"} {
		b.Run(line, func(b *testing.B) {
			lines := make([]string, maxLines)
			for i := range lines {
				lines[i] = line
			}
			s, err := Cron(lines, "Europe/Berlin")
			if err != nil {
				b.Fatal(err)
			}
			at := time.Date(2026, 6, 10, 12, 34, 56, 0, time.UTC)
			for b.Loop() {
				NewPreview(s, at, 50)
			}
		})
	}
}
