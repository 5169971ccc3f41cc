package discover

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// silenced returns why a command added to this service could not ping, or would not
// report the end of a run, or "".
func (u *unitFile) silenced() string {
	switch restart := u.last("Service.Restart"); {
	case u.transient:
		return "made by systemd-run: it has no file to add to"
	case yes(u.last("Service.RemainAfterExit")):
		return u.name + " never ends (RemainAfterExit=), so its runs cannot be told apart"
	case restart == "always" || restart == "on-success":
		return fmt.Sprintf("%s starts again after every success (Restart=%s), so its runs do not follow the timer", u.name, restart)
	case u.last("Service.Type") == "forking" && !u.has("Service.PIDFile"):
		return u.name + " goes into the background without PIDFile= (Type=forking), so systemd cannot always tell how it ended"
	}
	for _, b := range barriers {
		if b.closed(u) {
			return fmt.Sprintf("%s %s (%s=)", u.name, b.effect, b.setting)
		}
	}
	if limit, ok := u.stopTimeout(); ok && limit < minStopTimeout {
		return fmt.Sprintf("%s has %s to stop (TimeoutStopSec=), which is too short for a ping: at least %s", u.name, spoken(limit), spoken(minStopTimeout))
	}
	return ""
}

// runNotes returns a sentence for each setting of a service that keeps a run, or its end,
// from being reported as people may expect.
func (u *unitFile) runNotes() []string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, u.name+": "+fmt.Sprintf(format, args...)) }
	if all := u.conditions(); len(all) > 0 {
		add("a run that %s skips sends nothing and counts as missed", strings.Join(all, " "))
	}
	if u.has("Service.ExecCondition") {
		add("a run that ExecCondition= skips is only logged and counts as missed")
	}
	if u.restarts() {
		add("systemd restarts it after a failure, so failed attempts are only logged; a run without a success counts as missed")
	}
	if slices.ContainsFunc(u.settings["Service.ExecStart"], func(s string) bool { return strings.Contains(prefixOf(s), "-") }) {
		add(`ExecStart= begins with "-", so systemd takes every exit code for a success, and so does Overdue`)
	}
	if slices.ContainsFunc(u.settings["Service.ExecStopPost"], func(s string) bool { return !strings.Contains(prefixOf(s), "-") }) {
		add("if its own ExecStopPost= fails, no ping is sent and the run counts as missed")
	}
	if u.has("Service.LimitAS") {
		add("LimitAS= can be too little memory for overdue: use --with curl")
	}
	if u.has("Service.AppArmorProfile") || u.has("Service.SELinuxContext") {
		add("its security profile must let /bin/sh and the program that pings run")
	}
	return notes
}

// prefixOf are the characters before the path of a command (systemd.service(5)).
func prefixOf(command string) string {
	return command[:len(command)-len(strings.TrimLeft(command, "@-:+!|"))]
}

// restarts reports whether systemd may start the service again after a failure.
func (u *unitFile) restarts() bool {
	policy := u.last("Service.Restart")
	return policy != "" && policy != "no" || u.has("Service.RestartForceExitStatus")
}

// Bounds of the time that systemd gives to what runs after the end of a service.
const (
	minStopTimeout  = 5 * time.Second
	safeStopTimeout = 40 * time.Second // longer than the program that pings takes if there is no answer
)

// stopTimeout returns how long the program that pings may take. It returns false for no limit,
// and for systemd's default of 90 seconds.
func (u *unitFile) stopTimeout() (time.Duration, bool) {
	if u.has("Service.TimeoutStopSec") {
		return u.span("Service.TimeoutStopSec")
	}
	return u.span("Service.TimeoutSec")
}

// longestRun is the limit of the time of a run, or an hour if there is none.
func (u *unitFile) longestRun() time.Duration {
	if u == nil {
		return time.Hour
	}
	keys := []string{"Service.RuntimeMaxSec"}
	if u.last("Service.Type") == "oneshot" {
		keys = append(keys, "Service.TimeoutStartSec", "Service.TimeoutSec")
	}
	for _, key := range keys {
		if limit, ok := u.span(key); ok && limit > 0 {
			return limit
		}
	}
	return time.Hour
}

// barrier is a setting of a service that keeps a command in it from pinging.
type barrier struct {
	setting string // of the [Service] section
	effect  string // follows the name of the service
	closed  func(*unitFile) bool
}

// barriers are the settings of systemd.exec(5) and systemd.resource-control(5) that keep any
// program from pinging.
var barriers = []barrier{
	{"PrivateNetwork", "has no network", func(u *unitFile) bool { return yes(u.last("Service.PrivateNetwork")) }},
	{"NetworkNamespacePath", "may not reach the monitor from its own network namespace", given("NetworkNamespacePath")},
	{"IPAddressDeny", "may not reach every address", given("IPAddressDeny")},
	{"IPEgressFilterPath", "may not reach every address", given("IPEgressFilterPath")},
	{"RestrictNetworkInterfaces", "may not use every network interface", given("RestrictNetworkInterfaces")},
	{"RestrictAddressFamilies", "may not use the network", (*unitFile).withoutInternet},
	{"SystemCallFilter", "may not make the system calls that a ping needs", (*unitFile).withoutCalls},
	{"RootDirectory", "has another root directory, in which the program that pings may be missing", given("RootDirectory")},
	{"RootImage", "has another root directory, in which the program that pings may be missing", given("RootImage")},
	{"RootMStack", "has another root directory, in which the program that pings may be missing", given("RootMStack")},
	{"NoExecPaths", "may not run /bin/sh", func(u *unitFile) bool { return u.hides("/bin/sh") == "NoExecPaths" }},
	{"InaccessiblePaths", "cannot see /bin/sh", func(u *unitFile) bool { return u.hides("/bin/sh") == "InaccessiblePaths" }},
	{"TemporaryFileSystem", "cannot see /bin/sh", func(u *unitFile) bool { return u.hides("/bin/sh") == "TemporaryFileSystem" }},
	{"LimitNOFILE", "may open too few files", func(u *unitFile) bool { return u.limit("LimitNOFILE") < 32 }},
	{"LimitNPROC", "may start no process", func(u *unitFile) bool { return u.limit("LimitNPROC") < 8 }},
	{"LimitCPU", "has too little processor time", func(u *unitFile) bool { return u.limit("LimitCPU") < 2 }},
}

// given is the check for a setting that is a barrier whenever it has a value.
func given(name string) func(*unitFile) bool {
	return func(u *unitFile) bool { return u.has("Service." + name) }
}

// withoutInternet reports whether RestrictAddressFamilies= leaves no IPv4: the monitor may
// have no other address.
func (u *unitFile) withoutInternet() bool {
	allowed, families := listed(u.settings["Service.RestrictAddressFamilies"])
	if allowed {
		return !families["AF_INET"]
	}
	return families["AF_INET"] || families["AF_INET6"]
}

// listed reads a setting that is a list of what is allowed or, if it begins with "~", of
// what is denied. Its first value says which of the two it is, and later values of the other
// kind take words out (systemd.exec(5)). Words of a system call lose their ":EPERM".
func listed(values []string) (allow bool, words map[string]bool) {
	words = map[string]bool{}
	for i, value := range values {
		rest, inverted := strings.CutPrefix(value, "~")
		if i == 0 {
			allow = !inverted
		}
		for _, word := range strings.Fields(rest) {
			word, _, _ = strings.Cut(word, ":")
			words[word] = inverted != allow
		}
	}
	return allow, words
}

// limit returns a resource limit. Words such as "infinity" and values with a unit count as none.
func (u *unitFile) limit(name string) int {
	value, _, _ := strings.Cut(u.last("Service."+name), ":")
	n := 0
	for _, r := range value {
		if r < '0' || r > '9' || n > 1<<30 {
			return 1 << 30
		}
		n = 10*n + int(r-'0')
	}
	if value == "" {
		return 1 << 30
	}
	return n
}

// hides returns the name of the setting that keeps a program from running in the service, or
// "" if none does. Of NoExecPaths= and ExecPaths=, the longer path counts.
func (u *unitFile) hides(program string) string {
	for _, name := range []string{"InaccessiblePaths", "TemporaryFileSystem"} {
		if deepest(u.words("Service."+name), program) > 0 {
			return name
		}
	}
	if no := deepest(u.words("Service.NoExecPaths"), program); no > 0 && deepest(u.words("Service.ExecPaths"), program) < no {
		return "NoExecPaths"
	}
	home := u.last("Service.ProtectHome")
	if (yes(home) || home == "tmpfs") && deepest([]string{"/home", "/root", "/run/user"}, program) > 0 {
		return "ProtectHome"
	}
	return ""
}

// deepest returns the length of the longest path that contains the program, or 0. With a
// merged /usr, /bin and /usr/bin are the same.
func deepest(paths []string, program string) int {
	longest := 0
	for _, p := range paths {
		p, _, _ = strings.Cut(strings.TrimLeft(p, "-+"), ":")
		p = path.Clean(p)
		for _, at := range []string{program, "/usr" + program} {
			if at == p || p == "/" || strings.HasPrefix(at, p+"/") {
				longest = max(longest, len(p))
			}
		}
	}
	return longest
}
