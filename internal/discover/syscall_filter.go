package discover

import "slices"

// requiredSystemCalls are the groups of system calls, and the calls, without which a shell with curl
// or overdue cannot ping. Every service that may make the calls of @system-service can.
var requiredSystemCalls = []string{
	"@default", "@known", "@system-service", "@basic-io", "@file-system", "@io-event", "@ipc", "@network-io", "@process", "@signal",
	"clone", "clone3", "close", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait", "execve", "fcntl", "fork", "futex",
	"getpeername", "getsockname", "getsockopt", "mmap", "mprotect", "openat", "pipe", "pipe2", "poll", "ppoll", "read", "recvfrom",
	"recvmsg", "rt_sigaction", "rt_sigprocmask", "sendmmsg", "sendmsg", "sendto", "setsockopt", "sigaltstack", "socket", "socketpair",
	"vfork", "write",
}

// blocksSystemCalls reports whether SystemCallFilter= keeps a ping from being sent. A list of
// what is allowed is taken for complete only with @system-service in it.
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
