package httpd

import (
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DataAge returns how long ago the last data on a request's connection arrived at
// this machine, as the kernel reports it (tcpi_last_data_recv of tcp(7)). known is
// false if the kernel does not report it.
func DataAge(r *http.Request) (waited time.Duration, known bool) {
	c, ours := r.Context().Value(connKey{}).(*conn)
	if !ours {
		return 0, false
	}
	socket, ours := c.Conn.(syscall.Conn)
	if !ours {
		return 0, false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			waited, known = time.Duration(info.Last_data_recv)*time.Millisecond, true
		}
	})
	return waited, known && err == nil
}
