package discover

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// pingProblem returns why a command added to this service could not ping, or would not
// report the end of a run, or "".
func (u *unitFile) pingProblem() string {
	switch restart := u.lastValue("Service.Restart"); {
	case u.transient:
		return "made by systemd-run: it has no file to add to"
	case isTrue(u.lastValue("Service.RemainAfterExit")):
		return u.name + " never ends (RemainAfterExit=), so its runs cannot be told apart"
	case restart == "always" || restart == "on-success":
		return fmt.Sprintf("%s starts again after every success (Restart=%s), so its runs do not follow the timer", u.name, restart)
	case u.lastValue("Service.Type") == "forking" && !u.has("Service.PIDFile"):
		return u.name + " goes into the background without PIDFile= (Type=forking), so systemd cannot always tell how it ended"
	}
	for _, b := range barriers {
		if b.applies(u) {
			return fmt.Sprintf("%s %s (%s=)", u.name, b.effect, b.setting)
		}
	}
	if limit, ok := u.stopTimeout(); ok && limit < minStopTimeout {
		return fmt.Sprintf("%s has %s to stop (TimeoutStopSec=), which is too short for a ping: at least %s", u.name, formatDuration(limit), formatDuration(minStopTimeout))
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
	if u.restartsOnFailure() {
		add("systemd restarts it after a failure, so failed attempts are only logged; a run without a success counts as missed")
	}
	if slices.ContainsFunc(u.settings["Service.ExecStart"], func(s string) bool { return strings.Contains(execPrefix(s), "-") }) {
		add(`ExecStart= begins with "-", so systemd takes every exit code for a success, and so does Overdue`)
	}
	if slices.ContainsFunc(u.settings["Service.ExecStopPost"], func(s string) bool { return !strings.Contains(execPrefix(s), "-") }) {
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

// execPrefix are the characters before the path of a command (systemd.service(5)).
func execPrefix(command string) string {
	return command[:len(command)-len(strings.TrimLeft(command, "@-:+!|"))]
}

// restartsOnFailure reports whether systemd may start the service again after a failure.
func (u *unitFile) restartsOnFailure() bool {
	policy := u.lastValue("Service.Restart")
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
		return u.timeSpan("Service.TimeoutStopSec")
	}
	return u.timeSpan("Service.TimeoutSec")
}

// maxRunTime is the limit of the time of a run, or an hour if there is none.
func (u *unitFile) maxRunTime() time.Duration {
	if u == nil {
		return time.Hour
	}
	keys := []string{"Service.RuntimeMaxSec"}
	if u.lastValue("Service.Type") == "oneshot" {
		keys = append(keys, "Service.TimeoutStartSec", "Service.TimeoutSec")
	}
	for _, key := range keys {
		if limit, ok := u.timeSpan(key); ok && limit > 0 {
			return limit
		}
	}
	return time.Hour
}

// barrier is a setting of a service that keeps a command in it from pinging.
type barrier struct {
	setting string // of the [Service] section
	effect  string // follows the name of the service
	applies func(*unitFile) bool
}

// barriers are the settings of systemd.exec(5) and systemd.resource-control(5) that keep any
// program from pinging.
var barriers = []barrier{
	{"PrivateNetwork", "has no network", func(u *unitFile) bool { return isTrue(u.lastValue("Service.PrivateNetwork")) }},
	{"NetworkNamespacePath", "may not reach the monitor from its own network namespace", hasValue("NetworkNamespacePath")},
	{"IPAddressDeny", "may not reach every address", hasValue("IPAddressDeny")},
	{"IPEgressFilterPath", "may not reach every address", hasValue("IPEgressFilterPath")},
	{"RestrictNetworkInterfaces", "may not use every network interface", hasValue("RestrictNetworkInterfaces")},
	{"RestrictAddressFamilies", "may not use the network", (*unitFile).blocksInternet},
	{"SystemCallFilter", "may not make the system calls that a ping needs", (*unitFile).blocksSystemCalls},
	{"RootDirectory", "has another root directory, in which the program that pings may be missing", hasValue("RootDirectory")},
	{"RootImage", "has another root directory, in which the program that pings may be missing", hasValue("RootImage")},
	{"RootMStack", "has another root directory, in which the program that pings may be missing", hasValue("RootMStack")},
	{"NoExecPaths", "may not run /bin/sh", func(u *unitFile) bool { return u.hidingSetting("/bin/sh") == "NoExecPaths" }},
	{"InaccessiblePaths", "cannot see /bin/sh", func(u *unitFile) bool { return u.hidingSetting("/bin/sh") == "InaccessiblePaths" }},
	{"TemporaryFileSystem", "cannot see /bin/sh", func(u *unitFile) bool { return u.hidingSetting("/bin/sh") == "TemporaryFileSystem" }},
	{"LimitNOFILE", "may open too few files", func(u *unitFile) bool { return u.resourceLimit("LimitNOFILE") < 32 }},
	{"LimitNPROC", "may start no process", func(u *unitFile) bool { return u.resourceLimit("LimitNPROC") < 8 }},
	{"LimitCPU", "has too little processor time", func(u *unitFile) bool { return u.resourceLimit("LimitCPU") < 2 }},
}

// hasValue is the check for a setting that is a barrier whenever it has a value.
func hasValue(name string) func(*unitFile) bool {
	return func(u *unitFile) bool { return u.has("Service." + name) }
}

// blocksInternet reports whether RestrictAddressFamilies= leaves no IPv4: the monitor may
// have no other address.
func (u *unitFile) blocksInternet() bool {
	allowed, families := parseFilterList(u.settings["Service.RestrictAddressFamilies"])
	if allowed {
		return !families["AF_INET"]
	}
	return families["AF_INET"] || families["AF_INET6"]
}

// parseFilterList reads a setting that is a list of what is allowed or, if it begins with "~", of
// what is denied. Its first value says which of the two it is, and later values of the other
// kind take words out (systemd.exec(5)). Words of a system call lose their ":EPERM".
func parseFilterList(values []string) (allow bool, words map[string]bool) {
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

// resourceLimit returns a resource limit. Words such as "infinity" and values with a unit count as none.
func (u *unitFile) resourceLimit(name string) int {
	value, _, _ := strings.Cut(u.lastValue("Service."+name), ":")
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

// hidingSetting returns the name of the setting that keeps a program from running in the service, or
// "" if none does. Of NoExecPaths= and ExecPaths=, the longer path counts.
func (u *unitFile) hidingSetting(program string) string {
	for _, name := range []string{"InaccessiblePaths", "TemporaryFileSystem"} {
		if longestParent(u.words("Service."+name), program) > 0 {
			return name
		}
	}
	if no := longestParent(u.words("Service.NoExecPaths"), program); no > 0 && longestParent(u.words("Service.ExecPaths"), program) < no {
		return "NoExecPaths"
	}
	home := u.lastValue("Service.ProtectHome")
	if (isTrue(home) || home == "tmpfs") && longestParent([]string{"/home", "/root", "/run/user"}, program) > 0 {
		return "ProtectHome"
	}
	return ""
}

// longestParent returns the length of the longest path that contains the program, or 0. With a
// merged /usr, /bin and /usr/bin are the same.
func longestParent(paths []string, program string) int {
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
