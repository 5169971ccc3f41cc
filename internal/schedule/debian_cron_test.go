package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
)

// This file is a slow and simple cron: it steps through every minute as cron(8) of
// Debian describes, and shares no code with the package.

// generatedField is a field of a cron line with its meaning.
type generatedField struct {
	text string
	has  [64]bool
	star bool // starts with "*"
}

// generatedLine is a cron line with its meaning.
type generatedLine struct{ minute, hour, dom, month, dow generatedField }

func (l generatedLine) text() string {
	return strings.Join([]string{l.minute.text, l.hour.text, l.dom.text, l.month.text, l.dow.text}, " ")
}

func (l generatedLine) matches(virtual int64) bool {
	t := time.Unix(virtual*60, 0).UTC()
	dom, dow := l.dom.has[t.Day()], l.dow.has[int(t.Weekday())]
	day := dom || dow
	if l.dom.star || l.dow.star {
		day = dom && dow
	}
	return day && l.minute.has[t.Minute()] && l.hour.has[t.Hour()] && l.month.has[int(t.Month())]
}

// debianCronRuns simulates cron from one time to another and returns when the line ran. It starts
// three days early, so that its virtual clock has seen the earlier changes.
func debianCronRuns(l generatedLine, loc *time.Location, from, to time.Time) []time.Time {
	wild := l.minute.star || l.hour.star
	matching := map[int64]bool{}
	ask := func(virtual int64) bool {
		m, ok := matching[virtual]
		if !ok {
			m = l.matches(virtual)
			matching[virtual] = m
		}
		return m
	}
	var runs []time.Time
	start := from.Add(-72 * time.Hour)
	virtual := wallMinute(start.Add(-time.Minute), loc)
	for t := start; t.Before(to); t = t.Add(time.Minute) {
		now := wallMinute(t, loc)
		run := false
		switch diff := now - virtual; {
		case diff == 1:
			virtual = now
			run = ask(now)
		case diff > 180 || diff <= -180: // the clock was corrected
			virtual = now
			run = ask(now)
		case diff > 5: // wildcard jobs once, fixed jobs for every skipped minute
			run = wild && ask(now)
			for virtual < now {
				virtual++
				run = run || !wild && ask(virtual)
			}
		case diff > 0: // all jobs for every skipped minute
			for virtual < now {
				virtual++
				run = run || ask(virtual)
			}
		default: // wildcard jobs only, until the virtual clock is reached
			run = wild && ask(now)
		}
		if run && !t.Before(from) {
			runs = append(runs, t.UTC())
		}
	}
	return runs
}

// wallMinute counts minutes on the wall clock.
func wallMinute(t time.Time, loc *time.Location) int64 {
	_, offset := t.In(loc).Zone()
	return (t.Unix() + int64(offset)) / 60
}

// generateField generates a field with its meaning. star is the probability of a plain "*".
func generateField(r *rand.Rand, low, high int, star float64) generatedField {
	if r.Float64() < star {
		return generateItem(r, low, high, 0)
	}
	f := generateItem(r, low, high, 1+r.IntN(5))
	for r.IntN(3) == 0 {
		more := generateItem(r, low, high, r.IntN(6))
		f.text += "," + more.text
		for i := range f.has {
			f.has[i] = f.has[i] || more.has[i]
		}
	}
	return f
}

func generateItem(r *rand.Rand, low, high, kind int) generatedField {
	var f generatedField
	a, b := low+r.IntN(high-low+1), low+r.IntN(high-low+1)
	a, b = min(a, b), max(a, b)
	step := 1
	switch kind {
	case 0:
		a, b, f.text, f.star = low, high, "*", true
	case 1:
		step = 1 + r.IntN(20)
		a, b, f.text, f.star = low, high, fmt.Sprintf("*/%d", step), true
	case 2:
		f.text = fmt.Sprintf("%d-%d", a, b)
	case 3:
		step = 1 + r.IntN(7)
		f.text = fmt.Sprintf("%d-%d/%d", a, b, step)
	default:
		b, f.text = a, fmt.Sprint(a)
	}
	for i := a; i <= b; i += step {
		f.has[i] = true
	}
	return f
}

// generateLine prefers the hours in which clocks change.
func generateLine(r *rand.Rand) generatedLine {
	l := generatedLine{
		minute: generateField(r, 0, 59, 0.2),
		hour:   generateField(r, 0, 23, 0.2),
		dom:    generateField(r, 1, 31, 0.6),
		month:  generateField(r, 1, 12, 0.8),
		dow:    generateField(r, 0, 7, 0.6),
	}
	if r.IntN(2) == 0 {
		l.hour = generateField(r, 0, 3, 0)
	}
	l.dow.has[0] = l.dow.has[0] || l.dow.has[7]
	if strings.Contains(l.hour.text, "*") && !l.hour.has[4] {
		l.hour = generateField(r, 0, 23, 1) // "*" means all hours, not 0 to 3
	}
	return l
}

// offsetChanges returns when the zone changed its offset in the given years.
func offsetChanges(t testing.TB, zone string, first, last int) []time.Time {
	t.Helper()
	loc := location(t, zone)
	var found []time.Time
	at := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
	_, before := at.In(loc).Zone()
	for ; at.Year() <= last; at = at.Add(time.Minute * 15) {
		if _, now := at.In(loc).Zone(); now != before {
			found, before = append(found, at), now
		}
	}
	return found
}

func location(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// changingZones lists zones and years with every kind of change: an hour, half an hour (Lord Howe),
// two hours (Troll), three (Casey), a day (Apia, Kwajalein, Kiritimati), a minute past midnight (St
// John's), at midnight (Cairo, Beirut, Santiago, Havana, Asuncion), winter as the exception
// (Dublin, Casablanca), new standard times (Caracas, Pyongyang, Volgograd), and 44 min 30 s
// (Monrovia).
var changingZones = []struct {
	zone        string
	first, last int
}{
	{"Europe/Berlin", 2024, 2028},
	{"America/New_York", 2024, 2028},
	{"Europe/London", 2025, 2027},
	{"Europe/Dublin", 2025, 2028},
	{"Africa/Casablanca", 2024, 2028},
	{"Australia/Lord_Howe", 2024, 2028},
	{"Africa/Cairo", 2010, 2010},
	{"Africa/Cairo", 2023, 2028},
	{"Asia/Beirut", 2023, 2028},
	{"America/Santiago", 2019, 2028},
	{"America/Havana", 2024, 2028},
	{"America/Asuncion", 2020, 2024},
	{"Pacific/Apia", 2009, 2013},
	{"Pacific/Kwajalein", 1993, 1993},
	{"Pacific/Kiritimati", 1994, 1995},
	{"Antarctica/Troll", 2024, 2026},
	{"Antarctica/Casey", 2009, 2023},
	{"Antarctica/Vostok", 2023, 2023},
	{"America/St_Johns", 1987, 1989},
	{"America/St_Johns", 2010, 2012},
	{"Asia/Tehran", 2020, 2022},
	{"America/Caracas", 2007, 2016},
	{"Asia/Pyongyang", 2015, 2018},
	{"Europe/Volgograd", 2010, 2020},
	{"Europe/Istanbul", 2015, 2016},
	{"Atlantic/Azores", 2025, 2027},
	{"Asia/Amman", 2020, 2022},
	{"Asia/Gaza", 2023, 2026},
	{"Pacific/Chatham", 2025, 2027},
	{"America/Nuuk", 2023, 2025},
	{"America/Scoresbysund", 2023, 2025},
	{"Europe/Moscow", 2010, 2014},
	{"America/Sao_Paulo", 2017, 2019},
	{"Africa/Windhoek", 2013, 2017},
	{"Europe/Berlin", 2040, 2041},
	{"Africa/Casablanca", 2040, 2041},
}

const linesPerChange = 20

func TestCron_AgreesWithDebianCronAroundClockChanges(t *testing.T) {
	total := 0
	for i, c := range changingZones {
		t.Run(fmt.Sprintf("%s_%d", c.zone, c.first), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			found := offsetChanges(t, c.zone, c.first, c.last)
			if len(found) == 0 {
				t.Fatal("the clock does not change in these years")
			}
			for _, at := range found {
				for range linesPerChange {
					compareWithDebian(t, generateLine(r), c.zone, at.Add(-40*time.Hour), at.Add(40*time.Hour), r)
					total++
				}
			}
		})
	}
	t.Logf("%d lines", total)
}

func TestCron_AgreesWithDebianCronInUTC(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 0))
	for _, zone := range []string{"UTC", "Asia/Kolkata", "Asia/Kathmandu", "Etc/GMT+12"} {
		for range 60 {
			from := time.Date(2024+r.IntN(5), time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), 0, 0, 0, time.UTC)
			compareWithDebian(t, generateLine(r), zone, from, from.Add(96*time.Hour), r)
		}
	}
}

// compareWithDebian compares all slots, forwards, backwards, and from random times.
func compareWithDebian(t *testing.T, l generatedLine, zone string, from, to time.Time, r *rand.Rand) {
	t.Helper()
	s, err := Cron([]string{l.text()}, zone)
	if err != nil {
		if strings.Contains(err.Error(), "never occurs") && debianCronRuns(l, location(t, zone), from, to) == nil {
			return
		}
		t.Fatalf("%s: %v", l.text(), err)
	}
	want := debianCronRuns(l, location(t, zone), from, to)
	if got := slotsBetween(s, from, to); !slices.Equal(got, want) {
		t.Fatalf("%s in %s, from %s: Next (-simulated +got):\n%s", l.text(), zone, from, cmp.Diff(want, got))
	}
	if got := slotsBackwards(s, from, to); !slices.Equal(got, want) {
		t.Fatalf("%s in %s, from %s: Prev (-simulated +got):\n%s", l.text(), zone, from, cmp.Diff(want, got))
	}
	for range 10 {
		checkNextAndPrevBetween(t, s, want, from, to, r)
	}
}

// checkNextAndPrevBetween calls Next and Prev at a random time, on a whole minute or not.
func checkNextAndPrevBetween(t *testing.T, s Schedule, want []time.Time, from, to time.Time, r *rand.Rand) {
	t.Helper()
	at := from.Add(time.Duration(r.Int64N(int64(to.Sub(from)))))
	if r.IntN(2) == 0 {
		at = at.Truncate(time.Minute)
	}
	var prev, next time.Time
	for _, slot := range want {
		if slot.Before(at) {
			prev = slot
		}
		if slot.After(at) && next.IsZero() {
			next = slot
		}
	}
	if got, _ := s.Next(at); !got.Equal(next) && (!next.IsZero() || got.Before(to)) {
		t.Fatalf("%s: Next(%s) is %s, simulated %s", s.Describe(), at, got, next)
	}
	if got, _ := s.Prev(at); !got.Equal(prev) && (!prev.IsZero() || !got.Before(from)) {
		t.Fatalf("%s: Prev(%s) is %s, simulated %s", s.Describe(), at, got, prev)
	}
}

// slotsBetween returns the slots from (inclusive) to (exclusive).
func slotsBetween(s Schedule, from, to time.Time) []time.Time {
	var slots []time.Time
	for at := from.Add(-1); ; {
		slot, ok := s.Next(at)
		if !ok || !slot.Before(to) {
			return slots
		}
		slots = append(slots, slot)
		at = slot
	}
}

func slotsBackwards(s Schedule, from, to time.Time) []time.Time {
	var slots []time.Time
	for at := to; ; {
		slot, ok := s.Prev(at)
		if !ok || slot.Before(from) {
			break
		}
		slots = append(slots, slot)
		at = slot
	}
	for i, j := 0, len(slots)-1; i < j; i, j = i+1, j-1 {
		slots[i], slots[j] = slots[j], slots[i]
	}
	return slots
}
