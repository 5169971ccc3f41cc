package discover

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
)

// manager is a service manager whose timers are read: that of the system, or that of
// the user.
type manager struct {
	Machine
	user bool
	dirs []string // where units are, first ones first (systemd.unit(5))
}

// systemDirs are where the units of the system are (systemd.unit(5), table 1).
var systemDirs = []string{
	"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/generator.early",
	"/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached", "/run/systemd/generator",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
}

// sharedUserDirs are where the units of all users are.
var sharedUserDirs = []string{
	"/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
}

// userDirs are where the units of a user are.
func userDirs(home string) []string {
	own := []string{filepath.Join(home, ".config/systemd/user.control"), filepath.Join(home, ".config/systemd/user")}
	return append(append(own, sharedUserDirs[:2]...), append([]string{filepath.Join(home, ".local/share/systemd/user")}, sharedUserDirs[2:]...)...)
}

// managers are those that the machine has.
func (m Machine) managers() []manager {
	all := []manager{{Machine: m, dirs: systemDirs}}
	if m.Home != "" {
		all = append(all, manager{Machine: m, user: true, dirs: userDirs(m.Home)})
	}
	return all
}

// readTimers adds the timers that are started: those that systemd has loaded where it
// runs, else those that are enabled.
func (m Machine) readTimers(ctx context.Context, f *Found, zone string) {
	for _, manager := range m.managers() {
		names := manager.enabled()
		if m.live() && m.exists("/run/systemd/system") {
			loaded, err := manager.loaded(ctx)
			switch {
			case err == nil:
				names = loaded
			case !manager.user: // a user may well have no manager
				f.note("systemd timers: %v; taken from the unit files", err)
			}
		}
		for _, name := range names {
			manager.addTimer(f, name, zone)
		}
	}
	m.noteUserTimers(f)
}

// noteUserTimers adds notes about timers of users that are not read, if those of all users
// are requested: only the user can query the service manager of that user.
func (m Machine) noteUserTimers(f *Found) {
	if m.Home != "" || m.live() && !m.AllUsers {
		return
	}
	if all := (manager{Machine: m, user: true, dirs: sharedUserDirs}).enabled(); len(all) > 0 {
		f.note("timers of all users are not read (%s): run discover as each user", strings.Join(all, ", "))
	}
	for _, a := range m.accounts() {
		own := manager{Machine: m, user: true, dirs: []string{filepath.Join(a.home, ".config/systemd/user"), filepath.Join(a.home, ".local/share/systemd/user")}}
		if all := own.enabled(); len(all) > 0 {
			f.note("timers of %s are not read (%s): run discover as %s", a.name, strings.Join(all, ", "), a.name)
		}
	}
}

// account is a user of the machine.
type account struct{ name, home string }

// accounts are those of /etc/passwd with a home directory (passwd(5)).
func (m Machine) accounts() []account {
	text, err := m.text("/etc/passwd")
	if err != nil {
		return nil // an image need not have one
	}
	var all []account
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) == 7 && filepath.IsAbs(fields[5]) && fields[5] != "/" {
			all = append(all, account{fields[0], fields[5]})
		}
	}
	return all
}

// addTimer reads a timer and its service.
func (m manager) addTimer(f *Found, name, zone string) {
	timer, ok := m.unit(f, name)
	switch {
	case timer.masked:
		f.note("%s: is masked, so systemd never starts it", name)
		return
	case !ok:
		f.note("%s: there is no unit file that can be read", name)
		return
	}
	if slices.ContainsFunc(f.Jobs, func(j Job) bool { return j.Source == timer.name && j.place.ofUser == m.user }) {
		return // another name of a timer that was read
	}
	m.inherit(f, timer, "Timer.AccuracySec", "DefaultTimerAccuracySec")
	var service *unitFile
	if target := timer.triggers(); strings.HasSuffix(target, ".service") {
		if found, ok := m.unit(f, target); ok || found.masked {
			service = found
			m.inherit(f, service, "Service.TimeoutStopSec", "DefaultTimeoutStopSec")
		}
	}
	j := jobOf(timer, service, zone, m.Now)
	j.place.ofUser = m.user
	if m.user {
		j.User = m.User
	}
	for i := range f.Jobs {
		other := &f.Jobs[i]
		if unit := other.place.unit; unit != nil && service != nil && unit.name == service.name && unit.user == m.user {
			other.Problem = firstOf(other.Problem, shared+j.Source)
			j.Problem = firstOf(j.Problem, shared+other.Source)
		}
	}
	f.Jobs = append(f.Jobs, j)
	if !j.Wired {
		for _, note := range j.place.notes {
			f.note("%s: %s", j.Source, note)
		}
	}
}

// inherit gives a unit the default of the service manager for a setting that it lacks
// (systemd-system.conf(5)).
func (m manager) inherit(f *Found, u *unitFile, key, name string) {
	if u.has(key) || key == "Service.TimeoutStopSec" && u.has("Service.TimeoutSec") {
		return
	}
	file := "system.conf"
	if m.user {
		file = "user.conf"
	}
	config := manager{Machine: m.Machine, dirs: []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"}}
	defaults, ok := config.unit(f, file)
	if !ok {
		config.dropIns(f, defaults, []string{file})
	}
	if value := defaults.last("Manager." + name); value != "" {
		u.settings[key] = []string{value}
	}
}

// shared is the problem of timers whose runs cannot be told apart: a ping of one would
// hide that the other is missing.
const shared = "starts the same service as "

// loaded asks systemd. The form is that of systemctl(1), "list-timers"; unknown
// members are left alone.
func (m manager) loaded(ctx context.Context) ([]string, error) {
	args := []string{"list-timers", "--all", "--output=json", "--no-pager"}
	if m.user {
		args = append(args, "--user")
	}
	out, err := m.run(ctx, "systemctl", args...)
	if err != nil {
		return nil, err
	}
	var list []struct{ Unit string }
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, err
	}
	var names []string
	for _, timer := range list {
		if filepath.Base(timer.Unit) == timer.Unit && strings.HasSuffix(timer.Unit, ".timer") {
			names = append(names, timer.Unit)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// enabled are the timers that some unit pulls in, by links in directories such as
// timers.target.wants.
func (m manager) enabled() []string {
	var names []string
	for _, dir := range m.dirs {
		for _, kind := range []string{"wants", "requires"} {
			found, err := filepath.Glob(m.resolve(dir) + "/*." + kind + "/*.timer")
			if err != nil {
				continue // only for a malformed pattern: a root with brackets in it
			}
			for _, link := range found {
				names = append(names, filepath.Base(link))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
