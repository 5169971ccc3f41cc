package schedule

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// maxParseTime is far above the time of any call, even on a busy machine.
const maxParseTime = 2 * time.Second

// checkInvariants checks what holds for every schedule at every time.
func checkInvariants(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, s Schedule, at time.Time,
) {
	t.Helper()
	began := time.Now()
	slot, ok := s.Next(at)
	if ok {
		if !slot.After(at) || slot.Location() != time.UTC {
			t.Fatalf("%s: Next(%s) is %s", s.Describe(), at, slot)
		}
		if back, ok := s.Prev(slot.Add(1)); !ok || !back.Equal(slot) {
			t.Fatalf("%s: %s is a slot, but the last one before %s is %s", s.Describe(), slot, slot.Add(1), back)
		}
		if again, ok := s.Next(slot.Add(-1)); !ok || !again.Equal(slot) {
			t.Fatalf("%s: %s is a slot, but the next one after %s is %s", s.Describe(), slot, slot.Add(-1), again)
		}
	}
	last, found := s.Prev(at)
	if found {
		if !last.Before(at) || last.Location() != time.UTC {
			t.Fatalf("%s: Prev(%s) is %s", s.Describe(), at, last)
		}
		between, more := s.Next(last)
		if more && between.Before(at) || ok && !more || ok && between.After(slot) {
			t.Fatalf("%s: %s is the last slot before %s, but the next after it is %s", s.Describe(), last, at, between)
		}
	}
	if words := s.Describe(); words == "" || strings.Contains(words, "%!") {
		t.Fatalf("the words are %q", words)
	}
	if took := time.Since(began); took > maxParseTime {
		t.Fatalf("%s at %s took %s", s.Describe(), at, took)
	}
}

func FuzzCron(f *testing.F) {
	for _, line := range []string{
		"0 3 * * *", "*/15 * * * *", "30 2 * * *", "0 0 29 2 1", "0 0 */29 2 1", "0 0 LW * 5L", "0 0 31W * 1#5", "@daily",
		"59 23 31 12 *", "0 0 1-7/2,15W,L jan-mar mon,wed#1", "0-59/7 0-3 * * *", "5/10 * * * *", "0 22-2 * * *",
	} {
		for _, zone := range []string{"", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana"} {
			f.Add(line, zone, int64(1774746000), int64(1))
		}
	}
	f.Add("0 0 1 1 *", "America/Santiago", int64(-1), int64(999))
	f.Add("0 0 1 1 *", "UTC", int64(1)<<62, int64(0))
	f.Fuzz(func(t *testing.T, line, zone string, seconds, nanoseconds int64) {
		s, err := Cron(strings.Split(line, "\n"), zone)
		if err != nil {
			checkProblem(t, err)
			return
		}
		checkInvariants(t, s, time.Unix(seconds, nanoseconds))
	})
}

func FuzzOnCalendar(f *testing.F) {
	for _, line := range []string{
		"daily", "Mon..Fri 10:00", "*:0/7", "0/5:00", "*-*-1/7", "*:*:0/0.7", "*-*~03", "Mon *-05~07/1", "Thu 02-29", "@1800000000",
		"10:00 America/New_York", "2026-*-1..7 18:00:30.5", "*:*:0..10/0.000001,5/59", "70-1-1", "2199-12-31 23:59:59.999999",
		"10:00\n11:00 UTC", "10:00 %!0\x00\xff", "Sat,Sun 8..20/2:30", "*:*:59.999999/0.000001", "Wed *-*~1..7/3 *:1/59:58/59",
	} {
		for _, zone := range []string{"", "Europe/Berlin", "Asia/Beirut", "America/St_Johns"} {
			f.Add(line, zone, int64(1774746000), int64(1))
		}
	}
	f.Add("1970-01-01", "Pacific/Kiritimati", int64(-40000), int64(0))
	f.Fuzz(func(t *testing.T, line, zone string, seconds, nanoseconds int64) {
		s, err := OnCalendar(strings.Split(line, "\n"), zone)
		if err != nil {
			checkProblem(t, err)
			return
		}
		checkInvariants(t, s, time.Unix(seconds, nanoseconds))
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"%!", "\x00\xff h", "24h", "1d 12h", "P1DT2H", "PT0.5H", "45", "1.5 h", "1h and 30min", "-1", "1e9s", "9999999999999w", "0.000000001h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			checkProblem(t, err)
			return
		}
		if d < 0 || d > maxDuration || d%time.Second != 0 {
			t.Fatalf("%q is %d", text, d)
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %s, which reads as %d: %v", text, FormatDuration(d), again, err)
		}
	})
}

// checkProblem checks that a problem can be shown.
func checkProblem(t *testing.T, err error) {
	t.Helper()
	p, ok := errors.AsType[*Problem](err)
	if !ok || p.Message == "" || len(p.Message) > 700 || strings.ContainsFunc(p.Message, unicode.IsControl) || !utf8.ValidString(p.Message) {
		t.Fatalf("the problem is %#v", err)
	}
}

func TestSchedule_InvariantsHoldForGeneratedSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := changingZones[rapid.IntRange(0, len(changingZones)-1).Draw(t, "zone")].zone
		at := time.Unix(rapid.Int64Range(0, 7258118400).Draw(t, "at"), rapid.Int64Range(0, 999).Draw(t, "ns"))
		field := func(low, high int, name string) string {
			a := rapid.IntRange(low, high).Draw(t, name)
			b := rapid.IntRange(a, high).Draw(t, name)
			return rapid.SampledFrom([]string{"*", "*/" + strconv.Itoa(b+1), strconv.Itoa(a), strconv.Itoa(a) + "-" + strconv.Itoa(b), strconv.Itoa(a) + "," + strconv.Itoa(b)}).Draw(t, name)
		}
		line := strings.Join([]string{
			field(0, 59, "minute"), field(0, 23, "hour"), field(1, 28, "date"), field(1, 12, "month"), field(0, 7, "weekday"),
		}, " ")
		s, err := Cron([]string{line}, zone)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		checkInvariants(t, s, at)
	})
}
