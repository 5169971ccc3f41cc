package discover

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// pingProblem returns why a command in this service cannot ping, or does not report the end of a
// run, or "".
func (u *unitFile) pingProblem() string {
	switch restart := u.lastValue("Service.Restart"); {
	case u.transient:
		return "created by systemd-run: it has no unit file to extend"
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
		return fmt.Sprintf("%s has %s to stop (TimeoutStopSec=), which is too short for a ping: use at least %s", u.name, formatDuration(limit), formatDuration(minStopTimeout))
	}
	return ""
}

// runNotes returns a sentence for each setting of a service that prevents a run, or its end, from
// being reported as users expect.
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
		add(`ExecStart= starts with "-", so systemd and Overdue treat every exit code as a success`)
	}
	if slices.ContainsFunc(u.settings["Service.ExecStopPost"], func(s string) bool { return !strings.Contains(execPrefix(s), "-") }) {
		add("if its own ExecStopPost= fails, no ping is sent and the run counts as missed")
	}
	if u.has("Service.LimitAS") {
		add("LimitAS= can be too little memory for overdue: use --with curl")
	}
	if u.has("Service.AppArmorProfile") || u.has("Service.SELinuxContext") {
		add("its security profile must allow /bin/sh and the program that pings to run")
	}
	return notes
}

// execPrefix returns the characters before the path of a command (systemd.service(5)).
func execPrefix(command string) string {
	return command[:len(command)-len(strings.TrimLeft(command, "@-:+!|"))]
}

// restartsOnFailure reports whether systemd can start the service again after a failure.
func (u *unitFile) restartsOnFailure() bool {
	policy := u.lastValue("Service.Restart")
	return policy != "" && policy != "no" || u.has("Service.RestartForceExitStatus")
}

// Limits of the time for commands after the end of a service.
const (
	minStopTimeout  = 5 * time.Second
	safeStopTimeout = 40 * time.Second // longer than a ping without an answer takes
)

// stopTimeout returns how long the program that pings can take. It returns false for no limit, and
// for systemd's default of 90 seconds.
func (u *unitFile) stopTimeout() (time.Duration, bool) {
	if u.has("Service.TimeoutStopSec") {
		return u.timeSpan("Service.TimeoutStopSec")
	}
	return u.timeSpan("Service.TimeoutSec")
}

// maxRunTime returns the time limit of a run, or an hour if there is none.
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

// barrier is a setting of a service that prevents a command in it from pinging.
type barrier struct {
	setting string // in the [Service] section
	effect  string // follows the name of the service
	applies func(*unitFile) bool
}

// barriers are the settings of systemd.exec(5) and systemd.resource-control(5) that prevent every
// program from pinging.
var barriers = []barrier{
	{"PrivateNetwork", "has no network", func(u *unitFile) bool { return isTrue(u.lastValue("Service.PrivateNetwork")) }},
	{"NetworkNamespacePath", "may be unable to reach the monitor from its own network namespace", hasValue("NetworkNamespacePath")},
	{"IPAddressDeny", "cannot reach every address", hasValue("IPAddressDeny")},
	{"IPEgressFilterPath", "cannot reach every address", hasValue("IPEgressFilterPath")},
	{"RestrictNetworkInterfaces", "cannot use every network interface", hasValue("RestrictNetworkInterfaces")},
	{"RestrictAddressFamilies", "cannot use the network", (*unitFile).blocksInternet},
	{"SystemCallFilter", "cannot make the system calls that a ping needs", (*unitFile).blocksSystemCalls},
	{"RootDirectory", "has another root directory, in which the program that pings may be missing", hasValue("RootDirectory")},
	{"RootImage", "has another root directory, in which the program that pings may be missing", hasValue("RootImage")},
	{"RootMStack", "has another root directory, in which the program that pings may be missing", hasValue("RootMStack")},
	{"NoExecPaths", "cannot run /bin/sh", func(u *unitFile) bool { return u.hidingSetting("/bin/sh") == "NoExecPaths" }},
	{"InaccessiblePaths", "cannot see /bin/sh", func(u *unitFile) bool { return u.hidingSetting("/bin/sh") == "InaccessiblePaths" }},
	{"TemporaryFileSystem", "cannot see /bin/sh", func(u *unitFile) bool { return u.hidingSetting("/bin/sh") == "TemporaryFileSystem" }},
	{"LimitNOFILE", "can open too few files", func(u *unitFile) bool { return u.resourceLimit("LimitNOFILE") < 32 }},
	{"LimitNPROC", "cannot start another process", func(u *unitFile) bool { return u.resourceLimit("LimitNPROC") < 8 }},
	{"LimitCPU", "has too little CPU time", func(u *unitFile) bool { return u.resourceLimit("LimitCPU") < 2 }},
}

// hasValue is the check for a setting that is a barrier whenever it has a value.
func hasValue(name string) func(*unitFile) bool {
	return func(u *unitFile) bool { return u.has("Service." + name) }
}

// blocksInternet reports whether RestrictAddressFamilies= excludes IPv4: the monitor may have no
// other address.
func (u *unitFile) blocksInternet() bool {
	allowed, families := parseFilterList(u.settings["Service.RestrictAddressFamilies"])
	if allowed {
		return !families["AF_INET"]
	}
	return families["AF_INET"] || families["AF_INET6"]
}

// parseFilterList parses a setting that is a list of allowed values or, if it starts with "~", of
// denied ones. The first value decides which of the two it is, and later values of the other kind
// remove words (systemd.exec(5)). System calls lose their ":EPERM".
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

// resourceLimit returns a resource limit. Words such as "infinity" and values with a unit count as
// no limit.
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

// hidingSetting returns the name of the setting that prevents a program from running in the
// service, or "". Of NoExecPaths= and ExecPaths=, the longer path counts.
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

// requiredSystemCalls are the system calls and groups of them that a shell with curl or overdue
// needs to ping. A service with all calls of @system-service can always ping.
var requiredSystemCalls = []string{
	"@default", "@known", "@system-service", "@basic-io", "@file-system", "@io-event", "@ipc", "@network-io", "@process", "@signal",
	"clone", "clone3", "close", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait", "execve", "fcntl", "fork", "futex",
	"getpeername", "getsockname", "getsockopt", "mmap", "mprotect", "openat", "pipe", "pipe2", "poll", "ppoll", "read", "recvfrom",
	"recvmsg", "rt_sigaction", "rt_sigprocmask", "sendmmsg", "sendmsg", "sendto", "setsockopt", "sigaltstack", "socket", "socketpair",
	"vfork", "write",
}

// blocksSystemCalls reports whether SystemCallFilter= prevents a ping. A list of allowed calls
// counts as complete only if it has @system-service.
func (u *unitFile) blocksSystemCalls() bool {
	values := u.settings["Service.SystemCallFilter"]
	if len(values) == 0 {
		return false
	}
	allow, calls := parseFilterList(values)
	if allow {
		return !calls["@system-service"] || slices.ContainsFunc(requiredSystemCalls, func(call string) bool {
			allowed, mentioned := calls[call]
			return mentioned && !allowed
		})
	}
	return slices.ContainsFunc(requiredSystemCalls, func(call string) bool { return calls[call] })
}
