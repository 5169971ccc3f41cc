package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The other opinion on calendar expressions is systemd's own: systemd-analyze, of
// the Debian package systemd. It needs no running systemd.

const elapsesPerExpression = 12

// systemdAnswer is the output of systemd-analyze for an expression.
type systemdAnswer struct {
	rejected bool
	gaveUp   bool // "Infinite loop in calendar calculation"
	times    []time.Time
}

// askSystemd asks about many different expressions at once.
func askSystemd(t *testing.T, zone string, base time.Time, expressions []string) map[string]systemdAnswer {
	t.Helper()
	args := []string{
		"calendar", fmt.Sprintf("--iterations=%d", elapsesPerExpression),
		"--base-time=" + base.UTC().Format("2006-01-02 15:04:05 UTC"), "--",
	}
	command := exec.Command("systemd-analyze", append(args, expressions...)...)
	command.Env = []string{"TZ=" + zone, "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0", "COLUMNS=1000", "PATH=/usr/bin:/bin"}
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); errors.Is(err, exec.ErrNotFound) {
		t.Fatal("systemd-analyze is missing: install the Debian package systemd")
	}
	answers := map[string]systemdAnswer{}
	for line := range strings.Lines(complaints.String()) {
		if _, rest, ok := strings.Cut(line, "Failed to parse calendar specification '"); ok {
			answers[rest[:strings.LastIndex(rest, "': ")]] = systemdAnswer{rejected: true}
		}
		if _, rest, ok := strings.Cut(line, "Failed to determine next elapse for '"); ok {
			answers[rest[:strings.LastIndex(rest, "': ")]] = systemdAnswer{gaveUp: true}
		}
	}
	for block := range strings.SplitSeq(out.String(), "\n\n") {
		if name, a := parseSystemdAnswer(t, block); name != "" {
			answers[name] = a
		}
	}
	if len(answers) != len(expressions) {
		t.Fatalf("systemd-analyze answered %d of %d questions:\n%s", len(answers), len(expressions), complaints.String())
	}
	return answers
}

func parseSystemdAnswer(t *testing.T, block string) (name string, a systemdAnswer) {
	t.Helper()
	var local, utc []string
	for line := range strings.Lines(block) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch value = strings.TrimSpace(value); {
		case key == "Original form", key == "Normalized form" && name == "":
			name = value
		case key == "Next elapse" && value != "never", strings.HasPrefix(key, "Iter. #"):
			local = append(local, value)
		case key == "(in UTC)":
			utc = append(utc, value)
		}
	}
	if utc == nil {
		utc = local // the zone is UTC
	}
	for _, value := range utc {
		at, err := time.Parse("Mon 2006-01-02 15:04:05 UTC", value)
		if err != nil {
			t.Fatal(err)
		}
		a.times = append(a.times, at)
	}
	return name, a
}

// generateExpression generates an expression that is usually valid.
func generateExpression(r *rand.Rand, base time.Time) string {
	var parts []string
	if r.IntN(4) == 0 {
		parts = append(parts, generateWeekdays(r))
	}
	if r.IntN(2) == 0 {
		parts = append(parts, generateDate(r, base))
	}
	if len(parts) == 0 || r.IntN(6) > 0 {
		parts = append(parts, generateTime(r))
	}
	if r.IntN(10) == 0 {
		parts = append(parts, []string{"UTC", "Europe/Berlin", "America/Havana", "Asia/Kolkata"}[r.IntN(4)])
	}
	return strings.Join(parts, " ")
}

func generateWeekdays(r *rand.Rand) string {
	names := []string{"Mon", "Tuesday", "Wed", "thu", "Fri", "Saturday", "SUN"}
	var parts []string
	for range 1 + r.IntN(3) {
		a, b := r.IntN(7), r.IntN(7)
		if r.IntN(10) > 0 {
			a, b = min(a, b), max(a, b)
		}
		parts = append(parts, []string{names[a], names[a] + ".." + names[b], names[a] + "-" + names[b]}[r.IntN(3)])
	}
	return strings.Join(parts, ",") + []string{"", "", ","}[r.IntN(3)]
}

func generateDate(r *rand.Rand, base time.Time) string {
	month, day, mark := "*", generateComponents(r, 1, 31), "-"
	if r.IntN(3) == 0 {
		month = generateComponents(r, 1, 12)
	}
	if r.IntN(3) == 0 {
		day = "*"
	}
	if r.IntN(4) == 0 {
		mark, day = "~", generateComponents(r, 1, 12)
	}
	switch r.IntN(6) {
	case 0:
		return month + mark + day
	case 1:
		return fmt.Sprint(base.Year()) + "-" + month + mark + day
	case 2:
		return generateComponents(r, base.Year()%100, base.Year()%100+4) + "-" + month + mark + day
	default:
		return "*-" + month + mark + day
	}
}

func generateTime(r *rand.Rand) string {
	h, m := generateComponents(r, 0, 23), generateComponents(r, 0, 59)
	if r.IntN(3) > 0 {
		h = generateComponents(r, 0, 4)
	}
	if r.IntN(4) == 0 {
		h = "*"
	}
	if r.IntN(5) == 0 {
		m = "*"
	}
	switch r.IntN(8) {
	case 0:
		return h + ":" + m + ":*"
	case 1, 2:
		return h + ":" + m + ":" + generateComponents(r, 0, 59)
	case 3:
		return h + ":" + m + ":" + generateSeconds(r)
	default:
		return h + ":" + m
	}
}

// generateComponents generates components around the range, sometimes outside of it.
func generateComponents(r *rand.Rand, low, high int) string {
	var parts []string
	for range 1 + r.IntN(2)*r.IntN(3) {
		a, b := low+r.IntN(high-low+1), low+r.IntN(high-low+1)
		if r.IntN(20) > 0 {
			a, b = min(a, b), max(a, b)
		}
		if r.IntN(60) == 0 {
			b = high + 1 + r.IntN(9)
		}
		text := fmt.Sprintf("%02d", a)
		if r.IntN(3) == 0 {
			text += fmt.Sprintf("..%d", b)
		}
		if r.IntN(3) == 0 {
			text += fmt.Sprintf("/%d", r.IntN(1+(high-low)/2)+r.IntN(2))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}

// generateSeconds generates seconds with fractions.
func generateSeconds(r *rand.Rand) string {
	text := fmt.Sprintf("%d.%d", r.IntN(60), r.IntN(100000))
	if r.IntN(2) == 0 {
		text += fmt.Sprintf("..%d.%d", r.IntN(60), r.IntN(10000000))
	}
	if r.IntN(2) == 0 {
		text += fmt.Sprintf("/%d.%03d", r.IntN(20), r.IntN(1000))
	}
	return text
}

// maxChangesPerZone limits how many changes of one zone are tested.
const maxChangesPerZone = 4

// comparisonCounts counts the comparisons, so that the exceptions cannot become the rule.
type comparisonCounts struct{ total, accepted, gaveUp, tolerated int }

func TestOnCalendar_AgreesWithSystemd(t *testing.T) {
	var n comparisonCounts
	for i, c := range changingZones {
		t.Run(fmt.Sprintf("%s_%d", c.zone, c.first), func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, uint64(i)))
			found := offsetChanges(t, c.zone, c.first, c.last)
			for _, change := range found[:min(maxChangesPerZone, len(found))] {
				// Not on the hour: from within a skipped period, systemd answers differently.
				n.compare(t, r, c.zone, change.Add(-30*time.Hour-7*time.Minute), change)
				n.compare(t, r, c.zone, change.Add(-97*time.Minute), change)
			}
		})
	}
	t.Logf("%d expressions, %d accepted by both, %d without an answer from systemd, %d with a tolerated difference",
		n.total, n.accepted, n.gaveUp, n.tolerated)
	if n.accepted*3 < n.total*2 || n.gaveUp*100 > n.total || n.tolerated*50 > n.total {
		t.Error("too little was really compared")
	}
}

func (n *comparisonCounts) compare(t *testing.T, r *rand.Rand, zone string, base, change time.Time) {
	t.Helper()
	var expressions []string
	for range 40 {
		if e := generateExpression(r, base.In(location(t, zone))); !slices.Contains(expressions, e) {
			expressions = append(expressions, e)
		}
	}
	for e, want := range askSystemd(t, zone, base, expressions) {
		n.total++
		if want.gaveUp {
			n.gaveUp++
			continue
		}
		n.agree(t, systemdQuestion{e, zone, base, change}, want)
	}
}

type systemdQuestion struct {
	expression, zone string
	base, change     time.Time
}

// agree compares the next elapses, forwards and backwards.
func (n *comparisonCounts) agree(t *testing.T, q systemdQuestion, want systemdAnswer) {
	t.Helper()
	s, err := OnCalendar([]string{q.expression}, q.zone)
	if err != nil {
		if !want.rejected && want.times != nil {
			t.Errorf("%s in %s: %v; systemd accepts it", q.expression, q.zone, err)
		}
		return
	}
	if want.rejected {
		t.Errorf("%s in %s: accepted; systemd rejects it", q.expression, q.zone)
		return
	}
	n.accepted++
	exact, got := elapsesAfter(s, q.base)
	if back := slotsBackwards(s, exact[0], exact[len(exact)-1]); !slices.Equal(back, exact[:len(exact)-1]) {
		t.Errorf("%s in %s: Prev goes through %s, Next through %s", q.expression, q.zone, back, exact)
	}
	if slices.Equal(want.times, got) {
		return
	}
	if isKnownDifference(s, q) {
		n.tolerated++
		want.times, got = q.withoutTheDay(want.times), q.withoutTheDay(got)
		shorter := min(len(want.times), len(got))
		want.times, got = want.times[:shorter], got[:shorter]
	}
	if diff := cmp.Diff(want.times, got); diff != "" {
		t.Errorf("%s in %s, from %s (-systemd +got):\n%s", q.expression, q.zone, q.base, diff)
	}
}

// elapsesAfter returns slots exactly and as systemd-analyze prints them. The first is the base
// itself, so that there is always one.
func elapsesAfter(s Schedule, base time.Time) (exact, printed []time.Time) {
	exact = []time.Time{base.Add(1)}
	for at := base; len(printed) < elapsesPerExpression; {
		slot, ok := s.Next(at)
		if !ok {
			break
		}
		exact, printed = append(exact, slot), append(printed, slot.Truncate(time.Second))
		at = slot
	}
	return exact[min(1, len(exact)-1):], printed
}

// isKnownDifference reports whether systemd 252 can differ on the day of the change. That is a side
// effect of its search, or of mktime(3), and depends on where the search started:
//
//   - days counted from the end of the month can use the second of two equal times;
//   - a step across midnight can land in a gap;
//   - if the change is not in full hours, is more than one hour, or winter is the exception, it skips more
//     than the gap, up to the rest of the day;
//   - if a change is not daylight saving time, it uses either of two equal times.
func isKnownDifference(s Schedule, q systemdQuestion) bool {
	line := s.(*multiLine).lines[0]
	if strings.Contains(q.expression, "~") || line.overrun != (stepOverrun{}) {
		return true
	}
	switch q.zone {
	case "Pacific/Chatham", "America/St_Johns", "Antarctica/Troll", "Antarctica/Casey", "Antarctica/Vostok",
		"Africa/Casablanca", "Africa/Windhoek", "Europe/Dublin",
		"Europe/Volgograd", "Europe/Moscow", "Pacific/Apia", "Pacific/Kiritimati", "America/Havana":
		return true
	}
	return false
}

// withoutTheDay drops the times around the change, and no others.
func (q systemdQuestion) withoutTheDay(times []time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(at time.Time) bool {
		return at.After(q.change.Add(-26*time.Hour)) && at.Before(q.change.Add(26*time.Hour))
	})
}
