package discover

import (
	"context"
	"encoding/json"
	"os"
	"path"
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

// managers are those that the machine has.
func (m Machine) managers() []manager {
	system := []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
	all := []manager{{Machine: m, dirs: system}}
	if m.Home != "" {
		all = append(all, manager{Machine: m, user: true, dirs: []string{
			filepath.Join(m.Home, ".config/systemd/user"), "/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
		}})
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
}

// addTimer reads a timer and its service.
func (m manager) addTimer(f *Found, name, zone string) {
	timer, ok := m.unit(f, name)
	if !ok {
		f.note("%s: there is no unit file that can be read", name)
		return
	}
	var service *unitFile
	if target := timer.triggers(); strings.HasSuffix(target, ".service") && filepath.Base(target) == target {
		service, _ = m.unit(f, target)
	}
	j := jobOf(timer, service, zone)
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

// enabled are the timers that some target wants.
func (m manager) enabled() []string {
	var names []string
	for _, dir := range m.dirs {
		found, err := filepath.Glob(m.resolve(dir) + "/*.wants/*.timer")
		if err != nil {
			continue // only for a malformed pattern: a root with brackets in it
		}
		for _, link := range found {
			names = append(names, filepath.Base(link))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unit reads a unit and its drop-ins. It is false where there is no file for it,
// or it is masked.
func (m manager) unit(f *Found, name string) (*unitFile, bool) {
	u := &unitFile{name: name, user: m.user, settings: map[string][]string{}}
	dirs, names := m.dirs, unitNames(name)
	if !m.user {
		dirs = append(slices.Clone(dirs), "/run/systemd/transient")
	}
	for _, candidate := range names {
		for _, dir := range dirs {
			if target, err := os.Readlink(path.Join(m.resolve(dir), candidate)); err == nil && target == "/dev/null" {
				return nil, false
			}
			text, ok := m.readFile(f, path.Join(dir, candidate))
			if !ok {
				continue
			}
			u.read(string(text))
			u.passing = dir == "/run/systemd/transient"
			m.dropIns(f, u, names)
			return u, true
		}
	}
	return nil, false
}

// unitNames are the names under which files of a unit are: an instance has those of its
// template too.
func unitNames(name string) []string {
	before, after, ok := strings.Cut(name, "@")
	if _, kind, more := strings.Cut(after, "."); ok && more {
		return []string{name, before + "@." + kind}
	}
	return []string{name}
}

// dropIns adds the drop-ins of a unit in the order of their names; a directory
// that comes first hides files of the same name in later ones.
func (m manager) dropIns(f *Found, u *unitFile, names []string) {
	paths := map[string]string{}
	for _, name := range names {
		for _, dir := range m.dirs {
			found, err := os.ReadDir(m.resolve(path.Join(dir, name+".d")))
			if err != nil {
				continue // most units have none
			}
			for _, entry := range found {
				if _, hidden := paths[entry.Name()]; !hidden && strings.HasSuffix(entry.Name(), ".conf") {
					paths[entry.Name()] = path.Join(dir, name+".d", entry.Name())
				}
			}
		}
	}
	order := make([]string, 0, len(paths))
	for name := range paths {
		order = append(order, name)
	}
	slices.Sort(order)
	for _, name := range order {
		if text, ok := m.readFile(f, paths[name]); ok {
			u.read(string(text))
		}
	}
}

// dropIn is the path and the text of the file that makes a service ping.
//
// It is ExecStopPost= alone, because that is run after every end and knows how it
// was ($SERVICE_RESULT, systemd.exec(5)). ExecStartPost= would tell of
// the beginning unless the service is of Type=oneshot. A leading "-" keeps a
// monitor that is away from failing the unit. $$ is a $ for the shell.
func (w Wiring) dropIn(m Machine, u *unitFile, url string) (file, text string, err error) {
	if err := w.check(url); err != nil {
		return "", "", err
	}
	dir := "/etc/systemd/system"
	if u.user {
		dir = filepath.Join(m.Home, ".config/systemd/user")
	}
	send := w.Program + " ping " + url + "/$$s --body"
	if w.With == WithCurl {
		send = curlBriefly + url + "/$$s -d"
	}
	text = "# Tells Overdue how each run ended. Written by overdue discover.\n[Service]\n" +
		`ExecStopPost=-/bin/sh -c 's=fail; [ "$$SERVICE_RESULT" = success ] && s=0; exec ` + send +
		` "$$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS"'` + "\n"
	return path.Join(dir, u.name+".d", "overdue.conf"), text, nil
}
