package discover

import (
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"overdue/internal/discover/systemd"
)

// serviceManager is a systemd service manager whose timers are read: that of the system, or that of
// the user.
type serviceManager struct {
	Machine
	isUser   bool
	unitDirs []string // by priority (systemd.unit(5))
}

// systemUnitDirs are the directories with units of the system (systemd.unit(5), table 1).
var systemUnitDirs = []string{
	"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/generator.early",
	"/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached", "/run/systemd/generator",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
}

// sharedUserUnitDirs are the directories with units of all users.
var sharedUserUnitDirs = []string{
	"/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
}

// userUnitDirs returns the directories with units of a user.
func userUnitDirs(home string) []string {
	own := []string{filepath.Join(home, ".config/systemd/user.control"), filepath.Join(home, ".config/systemd/user")}
	return append(append(own, sharedUserUnitDirs[:2]...), append([]string{filepath.Join(home, ".local/share/systemd/user")}, sharedUserUnitDirs[2:]...)...)
}

// serviceManagers returns the service managers of the machine.
func (m Machine) serviceManagers() []serviceManager {
	all := []serviceManager{{Machine: m, unitDirs: systemUnitDirs}}
	if m.Home != "" {
		all = append(all, serviceManager{Machine: m, isUser: true, unitDirs: userUnitDirs(m.Home)})
	}
	return all
}

// readTimers adds the active timers: those that systemd has loaded if it runs, otherwise those that
// are enabled.
func (m Machine) readTimers(ctx context.Context, f *Result, zone string) {
	for _, manager := range m.serviceManagers() {
		names := manager.enabledTimers()
		if m.isLive() && m.exists("/run/systemd/system") {
			loaded, err := manager.loadedTimers(ctx)
			switch {
			case err == nil:
				names = loaded
			case !manager.isUser: // a user may have no service manager
				f.addNote("systemd timers: %v; the unit files are used instead", err)
			}
		}
		for _, name := range names {
			manager.addTimer(f, name, zone)
		}
	}
	m.addUserTimerNotes(f)
}

// addUserTimerNotes adds notes about timers of users that are not read, if all users are requested:
// only a user can query their own service manager.
func (m Machine) addUserTimerNotes(f *Result) {
	if m.Home != "" || m.isLive() && !m.AllUsers {
		return
	}
	if all := (serviceManager{Machine: m, isUser: true, unitDirs: sharedUserUnitDirs}).enabledTimers(); len(all) > 0 {
		f.addNote("timers of all users are not read (%s): run discover as each user", strings.Join(all, ", "))
	}
	for _, a := range m.accounts() {
		own := serviceManager{Machine: m, isUser: true, unitDirs: []string{filepath.Join(a.home, ".config/systemd/user"), filepath.Join(a.home, ".local/share/systemd/user")}}
		if all := own.enabledTimers(); len(all) > 0 {
			f.addNote("timers of %s are not read (%s): run discover as %s", a.name, strings.Join(all, ", "), a.name)
		}
	}
}

// account is a user of the machine.
type account struct{ name, home string }

// accounts returns the users of /etc/passwd with a home directory (passwd(5)).
func (m Machine) accounts() []account {
	text, err := m.readText("/etc/passwd")
	if err != nil {
		return nil // some images do not have the file
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
func (m serviceManager) addTimer(f *Result, name, zone string) {
	timer, ok := m.loadUnit(f, name)
	switch {
	case timer.Masked:
		f.addNote("%s: is masked, so systemd never starts it", name)
		return
	case !ok:
		f.addNote("%s: there is no readable unit file", name)
		return
	}
	if slices.ContainsFunc(f.Jobs, func(j Job) bool { return j.Source == timer.Name && j.origin.userManager == m.isUser }) {
		return // another name of a known timer
	}
	m.inheritDefault(f, timer, "Timer.AccuracySec", "DefaultTimerAccuracySec")
	var service *systemd.Unit
	if target := timer.TriggeredUnit(); strings.HasSuffix(target, ".service") {
		if found, ok := m.loadUnit(f, target); ok || found.Masked {
			service = found
			m.inheritDefault(f, service, "Service.TimeoutStopSec", "DefaultTimeoutStopSec")
		}
	}
	j := newTimerJob(timer, service, zone, m.Now)
	j.origin.userManager = m.isUser
	if m.isUser {
		j.User = m.User
	}
	for i := range f.Jobs {
		other := &f.Jobs[i]
		if unit := other.origin.unit; unit != nil && service != nil && unit.Name == service.Name && unit.UserManager == m.isUser {
			other.Problem = cmp.Or(other.Problem, sharedServiceProblem+j.Source)
			j.Problem = cmp.Or(j.Problem, sharedServiceProblem+other.Source)
		}
	}
	f.Jobs = append(f.Jobs, j)
	if !j.HasPing {
		for _, note := range j.origin.notes {
			f.addNote("%s: %s", j.Source, note)
		}
	}
}

// inheritDefault sets the default of the service manager for a setting that a unit does not have
// (systemd-system.conf(5)).
func (m serviceManager) inheritDefault(f *Result, u *systemd.Unit, key, name string) {
	if u.Has(key) || key == "Service.TimeoutStopSec" && u.Has("Service.TimeoutSec") {
		return
	}
	file := "system.conf"
	if m.isUser {
		file = "user.conf"
	}
	config := serviceManager{Machine: m.Machine, unitDirs: []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"}}
	defaults, ok := config.loadUnit(f, file)
	if !ok {
		config.readDropIns(f, defaults, []string{file})
	}
	if value := defaults.LastValue("Manager." + name); value != "" {
		u.Settings[key] = []string{value}
	}
}

// sharedServiceProblem is the problem of timers whose runs cannot be distinguished: a ping of
// one would hide that the other is missing.
const sharedServiceProblem = "starts the same service as "

// loadedTimers asks systemd. The format is that of systemctl(1), "list-timers"; unknown fields are
// ignored.
func (m serviceManager) loadedTimers(ctx context.Context) ([]string, error) {
	args := []string{"list-timers", "--all", "--output=json", "--no-pager"}
	if m.isUser {
		args = append(args, "--user")
	}
	out, err := m.runCommand(ctx, "systemctl", args...)
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

// enabledTimers returns the timers that a unit pulls in, by symlinks in directories such as
// timers.target.wants.
func (m serviceManager) enabledTimers() []string {
	var names []string
	for _, dir := range m.unitDirs {
		for _, kind := range []string{"wants", "requires"} {
			found, err := filepath.Glob(m.readPath(dir) + "/*." + kind + "/*.timer")
			if err != nil {
				continue // only for a malformed pattern, such as a root with brackets
			}
			for _, link := range found {
				names = append(names, filepath.Base(link))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
