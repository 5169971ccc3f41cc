package systemd

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// PingProblem returns why a command in this service cannot ping, or does not report the end of a
// run, or "".
func (u *Unit) PingProblem() string {
	switch restart := u.LastValue("Service.Restart"); {
	case u.Transient:
		return "created by systemd-run: it has no unit file to extend"
	case IsTrue(u.LastValue("Service.RemainAfterExit")):
		return u.Name + " never ends (RemainAfterExit=), so its runs cannot be distinguished"
	case restart == "always" || restart == "on-success":
		return fmt.Sprintf("%s starts again after every success (Restart=%s), so its runs do not follow the timer", u.Name, restart)
	case u.LastValue("Service.Type") == "forking" && !u.Has("Service.PIDFile"):
		return u.Name + " goes into the background without PIDFile= (Type=forking), so systemd cannot always tell how it ended"
	}
	for _, b := range barriers {
		if b.applies(u) {
			return fmt.Sprintf("%s %s (%s=)", u.Name, b.effect, b.setting)
		}
	}
	if limit, ok := u.StopTimeout(); ok && limit < minStopTimeout {
		return fmt.Sprintf("%s has %s to stop (TimeoutStopSec=), which is too short for a ping: use at least %s", u.Name, FormatDuration(limit), FormatDuration(minStopTimeout))
	}
	return ""
}

// RunNotes returns a sentence for each setting of a service that prevents a run, or its end, from
// being reported as users expect.
func (u *Unit) RunNotes() []string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, u.Name+": "+fmt.Sprintf(format, args...)) }
	if all := u.conditions(); len(all) > 0 {
		add("a run that %s skips sends nothing and counts as missed", strings.Join(all, " "))
	}
	if u.Has("Service.ExecCondition") {
		add("a run that ExecCondition= skips is only logged and counts as missed")
	}
	if u.restartsOnFailure() {
		add("systemd restarts it after a failure, so failed attempts are only logged; a run without a success counts as missed")
	}
	if slices.ContainsFunc(u.Settings["Service.ExecStart"], func(s string) bool { return strings.Contains(execPrefix(s), "-") }) {
		add(`ExecStart= starts with "-", so systemd and Overdue treat every exit code as a success`)
	}
	if slices.ContainsFunc(u.Settings["Service.ExecStopPost"], func(s string) bool { return !strings.Contains(execPrefix(s), "-") }) {
		add("if its own ExecStopPost= fails, no ping is sent and the run counts as missed")
	}
	if u.Has("Service.LimitAS") {
		add("LimitAS= can be too little memory for overdue: use --with curl")
	}
	if u.Has("Service.AppArmorProfile") || u.Has("Service.SELinuxContext") {
		add("its security profile must allow /bin/sh and the program that pings to run")
	}
	return notes
}

// execPrefix returns the characters before the path of a command (systemd.service(5)).
func execPrefix(command string) string {
	return command[:len(command)-len(strings.TrimLeft(command, "@-:+!|"))]
}

// restartsOnFailure reports whether systemd can start the service again after a failure.
func (u *Unit) restartsOnFailure() bool {
	policy := u.LastValue("Service.Restart")
	return policy != "" && policy != "no" || u.Has("Service.RestartForceExitStatus")
}

// Limits of the time for commands after the end of a service.
const (
	minStopTimeout  = 5 * time.Second
	SafeStopTimeout = 40 * time.Second // longer than a ping without an answer takes
)

// StopTimeout returns how long the program that pings can take. It returns false for no limit, and
// for systemd's default of 90 seconds.
func (u *Unit) StopTimeout() (time.Duration, bool) {
	if u.Has("Service.TimeoutStopSec") {
		return u.timeSpan("Service.TimeoutStopSec")
	}
	return u.timeSpan("Service.TimeoutSec")
}

// MaxRunTime returns the time limit of a run, or an hour if none exists.
func (u *Unit) MaxRunTime() time.Duration {
	if u == nil {
		return time.Hour
	}
	keys := []string{"Service.RuntimeMaxSec"}
	if u.LastValue("Service.Type") == "oneshot" {
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
	applies func(*Unit) bool
}

// barriers are the settings of systemd.exec(5) and systemd.resource-control(5) that prevent every
// program from pinging.
var barriers = []barrier{
	{"PrivateNetwork", "has no network", func(u *Unit) bool { return IsTrue(u.LastValue("Service.PrivateNetwork")) }},
	{"NetworkNamespacePath", "may be unable to reach the monitor from its own network namespace", hasValue("NetworkNamespacePath")},
	{"IPAddressDeny", "cannot reach every address", hasValue("IPAddressDeny")},
	{"IPEgressFilterPath", "cannot reach every address", hasValue("IPEgressFilterPath")},
	{"RestrictNetworkInterfaces", "cannot use every network interface", hasValue("RestrictNetworkInterfaces")},
	{"RestrictAddressFamilies", "cannot use the network", (*Unit).blocksInternet},
	{"SystemCallFilter", "cannot make the system calls that a ping needs", (*Unit).blocksSystemCalls},
	{"RootDirectory", "has another root directory, in which the program that pings may be missing", hasValue("RootDirectory")},
	{"RootImage", "has another root directory, in which the program that pings may be missing", hasValue("RootImage")},
	{"RootMStack", "has another root directory, in which the program that pings may be missing", hasValue("RootMStack")},
	{"NoExecPaths", "cannot run /bin/sh", func(u *Unit) bool { return u.HidingSetting("/bin/sh") == "NoExecPaths" }},
	{"InaccessiblePaths", "cannot see /bin/sh", func(u *Unit) bool { return u.HidingSetting("/bin/sh") == "InaccessiblePaths" }},
	{"TemporaryFileSystem", "cannot see /bin/sh", func(u *Unit) bool { return u.HidingSetting("/bin/sh") == "TemporaryFileSystem" }},
	{"LimitNOFILE", "can open too few files", func(u *Unit) bool { return u.resourceLimit("LimitNOFILE") < 32 }},
	{"LimitNPROC", "cannot start another process", func(u *Unit) bool { return u.resourceLimit("LimitNPROC") < 8 }},
	{"LimitCPU", "has too little CPU time", func(u *Unit) bool { return u.resourceLimit("LimitCPU") < 2 }},
}

// hasValue is the check for a setting that is a barrier whenever it has a value.
func hasValue(name string) func(*Unit) bool {
	return func(u *Unit) bool { return u.Has("Service." + name) }
}

// blocksInternet reports whether RestrictAddressFamilies= excludes IPv4: the monitor may have no
// other address.
func (u *Unit) blocksInternet() bool {
	allowed, families := parseFilterList(u.Settings["Service.RestrictAddressFamilies"])
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
func (u *Unit) resourceLimit(name string) int {
	value, _, _ := strings.Cut(u.LastValue("Service."+name), ":")
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

// HidingSetting returns the name of the setting that prevents a program from running in the
// service, or "". Of NoExecPaths= and ExecPaths=, the longer path counts.
func (u *Unit) HidingSetting(program string) string {
	for _, name := range []string{"InaccessiblePaths", "TemporaryFileSystem"} {
		if longestParentLength(u.words("Service."+name), program) > 0 {
			return name
		}
	}
	if no := longestParentLength(u.words("Service.NoExecPaths"), program); no > 0 && longestParentLength(u.words("Service.ExecPaths"), program) < no {
		return "NoExecPaths"
	}
	home := u.LastValue("Service.ProtectHome")
	if (IsTrue(home) || home == "tmpfs") && longestParentLength([]string{"/home", "/root", "/run/user"}, program) > 0 {
		return "ProtectHome"
	}
	return ""
}

// longestParentLength returns the length of the longest path that contains the program, or 0. With a
// merged /usr, /bin and /usr/bin are the same.
func longestParentLength(paths []string, program string) int {
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
func (u *Unit) blocksSystemCalls() bool {
	values := u.Settings["Service.SystemCallFilter"]
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
