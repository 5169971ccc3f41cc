package process

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
)

// Listener is a listening socket.
type Listener struct {
	net.Listener
	// Held is true if systemd also holds the socket: connections that are not accepted
	// wait for the next server.
	Held bool
	// Previous describes the program that this one replaced in the same process. It is
	// nil after a normal start.
	Previous *Handover
}

// Handover is what a program passes to the one that replaces it in the same process.
type Handover struct {
	FD     int    `json:"fd"`
	Listen string `json:"listen"` // the setting
	Held   bool   `json:"held"`
	// StoppedAccepting is when the previous program accepted its last connection.
	StoppedAccepting time.Time `json:"stopped_accepting"`
	Dropped          int       `json:"dropped"` // connections closed with an incomplete request
}

// handoverVariable contains a Handover as JSON. It does not have the prefix of the
// settings, of which an unknown one is an error.
const handoverVariable = "_OVERDUE_HANDOVER"

// takeHandover returns what the previous program passed, or nil. Later calls, and child
// processes, get nothing.
func takeHandover() (*Handover, error) {
	text, passed := os.LookupEnv(handoverVariable)
	if !passed {
		return nil, nil
	}
	if err := os.Unsetenv(handoverVariable); err != nil {
		return nil, fmt.Errorf("restart: %w", err)
	}
	var h Handover
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, fmt.Errorf("restart: variable %s: %w", handoverVariable, err)
	}
	return &h, nil
}

// Listen returns the socket of the program that this one replaced, or the one that
// systemd passed, or opens one. After a restart with another address, it opens one.
func Listen(address string) (*Listener, error) {
	previous, err := takeHandover()
	if err != nil {
		return nil, err
	}
	if previous != nil {
		inherited, err := inherit(previous.FD)
		switch {
		case err != nil:
			return nil, err
		case previous.Held || previous.Listen == address:
			return &Listener{inherited, previous.Held, previous}, nil
		}
		if err := inherited.Close(); err != nil {
			return nil, fmt.Errorf("restart: close the socket of %s: %w", previous.Listen, err)
		}
	}
	passed, err := activation.Listeners()
	if err == nil && len(passed) > 0 && passed[0] != nil {
		return &Listener{passed[0], true, nil}, nil
	}
	opened, err := open(address)
	if err != nil {
		return nil, err
	}
	return &Listener{opened, false, previous}, nil
}

// open opens a socket.
func open(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; set another address with --listen", address, err)
	}
	return l, nil
}

// inherit returns the listener of a descriptor that was passed to this process.
func inherit(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "socket "+strconv.Itoa(fd))
	if f == nil {
		return nil, fmt.Errorf("restart: descriptor %d: invalid", fd)
	}
	defer f.Close()
	l, err := net.FileListener(f) // a duplicate that is closed on exec
	if err != nil {
		return nil, fmt.Errorf("restart: descriptor %d: %w", fd, err)
	}
	return l, nil
}

// CheckListen checks, in a program that may replace a running server, that it can
// listen on its address. The server runs, so its own address is not tried.
func CheckListen(address string) error {
	running, err := takeHandover()
	if err != nil || running == nil || running.Held || running.Listen == address {
		return err
	}
	l, err := open(address)
	if err != nil {
		return err
	}
	return l.Close()
}
