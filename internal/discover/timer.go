package discover

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unitFile is a unit with its drop-ins: what systemd would make of them together.
type unitFile struct {
	name     string
	settings map[string][]string // "Timer.OnCalendar" to its values, resets applied
	text     string              // all files, one after the other
	user     bool                // of the service manager of a user
	passing  bool                // made by systemd-run: it has no file that stays
}

// read adds a file to the unit, as systemd.syntax(7) has it: later values add to
// earlier ones, an empty one takes them all back.
func (u *unitFile) read(text string) {
	u.text += text + "\n"
	section := ""
	for line := range strings.SplitSeq(joinLines(text), "\n") {
		line = strings.TrimSpace(line)
		if inner, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(inner, "]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(line[:1], "#;") {
			continue
		}
		u.set(section+"."+strings.TrimSpace(key), strings.TrimSpace(value))
	}
}

// joinLines takes out comments within a continued line and then the continuation.
func joinLines(text string) string {
	var b strings.Builder
	continued := false
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if trimmed := strings.TrimSpace(line); continued && trimmed != "" && strings.ContainsAny(trimmed[:1], "#;") {
			continue
		}
		line, continued = strings.CutSuffix(line, `\`)
		b.WriteString(line)
		if continued {
			b.WriteByte(' ')
		} else {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// starts are the settings of a timer that systemd resets together.
var starts = []string{"Timer.OnCalendar", "Timer.OnActiveSec", "Timer.OnBootSec", "Timer.OnStartupSec", "Timer.OnUnitActiveSec", "Timer.OnUnitInactiveSec"}

func (u *unitFile) set(key, value string) {
	switch {
	case value != "":
		u.settings[key] = append(u.settings[key], value)
	case slices.Contains(starts, key):
		for _, start := range starts {
			delete(u.settings, start)
		}
	default:
		delete(u.settings, key)
	}
}

// last is the value that counts for a setting that can be given once.
func (u *unitFile) last(key string) string {
	if all := u.settings[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// triggers is the unit that a timer starts: Unit=, or the service of its name.
func (u *unitFile) triggers() string {
	if unit := u.last("Timer.Unit"); unit != "" {
		return unit
	}
	return strings.TrimSuffix(u.name, ".timer") + ".service"
}

// defaultAccuracy is that of systemd.timer(5).
const defaultAccuracy = time.Minute

// jobOf makes a job of a timer and the service that it starts, which is nil if
// there is none.
func jobOf(timer, service *unitFile, zone string) Job {
	j := Job{Source: timer.name, Zone: zone, User: "root", Persistent: yes(timer.last("Timer.Persistent"))}
	j.place.unit = &unitFile{user: timer.user}
	j.OnCalendar = timer.settings["Timer.OnCalendar"]
	if len(j.OnCalendar) == 0 {
		j.Interval, j.Problem = timer.every()
	}
	delay, err := timer.spanSum("Timer.RandomizedDelaySec", "Timer.AccuracySec")
	if err != nil && j.Problem == "" {
		j.Problem = err.Error()
	}
	j.place.delay = delay
	if service == nil {
		j.Command = timer.triggers()
		j.Problem = firstOf(j.Problem, timer.triggers()+" is not a service whose file was found")
		return j
	}
	j.place.unit = service
	j.Command = strings.TrimLeft(firstOf(service.settings["Service.ExecStart"]...), "@-:+!|")
	j.User = firstOf(service.last("Service.User"), j.User)
	j.Wired = pings.MatchString(service.text)
	j.Problem = firstOf(j.Problem, service.silenced())
	return j
}

// every is the interval of a timer that counts from the last run.
func (u *unitFile) every() (time.Duration, string) {
	var least time.Duration
	values := append(slices.Clone(u.settings["Timer.OnUnitActiveSec"]), u.settings["Timer.OnUnitInactiveSec"]...)
	for _, value := range values {
		d, err := readSpan(value)
		if err != nil {
			return 0, err.Error()
		}
		if least == 0 || d < least {
			least = d
		}
	}
	switch {
	case len(values) == 0:
		return 0, "runs once after the machine or the timer starts, on no schedule"
	case least < time.Second || least > 366*24*time.Hour:
		return 0, "runs at an interval that no heartbeat can have: 1 s to 366 d"
	}
	return least.Truncate(time.Second), ""
}

// spanSum is by how much a run may begin after its time.
func (u *unitFile) spanSum(random, accuracy string) (time.Duration, error) {
	sum := defaultAccuracy
	if value := u.last(accuracy); value != "" {
		var err error
		if sum, err = readSpan(value); err != nil {
			return 0, err
		}
	}
	if value := u.last(random); value != "" {
		d, err := readSpan(value)
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum.Round(time.Second), nil
}

// silenced says why a command added to this service could not ping, or would not
// tell the end of a run.
func (u *unitFile) silenced() string {
	families := strings.Join(u.settings["Service.RestrictAddressFamilies"], " ")
	switch {
	case u.passing:
		return "made by systemd-run: it has no file to add to"
	case yes(u.last("Service.PrivateNetwork")):
		return u.name + " has no network (PrivateNetwork=)"
	case len(u.settings["Service.IPAddressDeny"]) > 0:
		return u.name + " may not reach every address (IPAddressDeny=)"
	case families != "" && !strings.HasPrefix(families, "~") && !strings.Contains(families, "AF_INET"):
		return u.name + " may not use the network (RestrictAddressFamilies=)"
	case yes(u.last("Service.RemainAfterExit")):
		return u.name + " never ends (RemainAfterExit=), so its runs cannot be told apart"
	}
	return ""
}

// yes reads a boolean of systemd.
func yes(value string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, strings.ToLower(value))
}

// firstOf is the first that is not empty.
func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// spanUnits are those of systemd.time(7), which are not those of people: "m" is a minute
// and "M" is a month of 30.44 days.
var spanUnits = map[string]time.Duration{
	"usec": time.Microsecond, "us": time.Microsecond, "µs": time.Microsecond, "msec": time.Millisecond, "ms": time.Millisecond,
	"seconds": time.Second, "second": time.Second, "sec": time.Second, "s": time.Second, "": time.Second,
	"minutes": time.Minute, "minute": time.Minute, "min": time.Minute, "m": time.Minute,
	"hours": time.Hour, "hour": time.Hour, "hr": time.Hour, "h": time.Hour,
	"days": day, "day": day, "d": day, "weeks": 7 * day, "week": 7 * day, "w": 7 * day,
	"months": month, "month": month, "M": month, "years": year, "year": year, "y": year,
}

const (
	day   = 24 * time.Hour
	month = 2629800 * time.Second
	year  = 31557600 * time.Second
)

// readSpan reads a time span of systemd such as "5h 30min". It errs on text that it
// cannot read and on spans of more than a century, "infinity" among them.
func readSpan(text string) (time.Duration, error) {
	sum, rest := 0.0, strings.TrimSpace(text)
	if rest == "" {
		return 0, fmt.Errorf("time span: is empty")
	}
	for rest != "" {
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		number, err := strconv.ParseFloat(rest[:n], 64)
		rest = strings.TrimLeft(rest[n:], " \t")
		u := strings.IndexAny(rest+" ", " \t0123456789.")
		size, known := spanUnits[rest[:u]]
		rest = strings.TrimLeft(rest[u:], " \t")
		sum += number * float64(size)
		if err != nil || !known || sum > float64(100*year) {
			return 0, fmt.Errorf("time span %q: cannot be read", text)
		}
	}
	return time.Duration(sum), nil
}
