package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// DryRunFlag makes the program check that it can start, and exit.
const DryRunFlag = "--dry-run"

// dryRunTimeout limits the check of the new program.
const dryRunTimeout = time.Minute

// Restarter replaces the running program by the file that started it, in the same
// process. The listening socket stays open.
type Restarter struct {
	log     *slog.Logger
	program string   // absolute path, taken at the start: the file may be replaced
	unknown error    // why there is no program
	args    []string // without the name of the program
	exec    func(program string, args, env []string) error

	checked   atomic.Bool // the new program can start
	mu        sync.Mutex
	socket    *os.File // duplicate of the socket; nil before the server accepts connections
	handover  Handover
	stopWatch func()
}

// NewRestarter returns a restarter of this program. The returned context ends if ctx
// ends, or when a restart was requested by SIGUSR2 and the new program can start.
func NewRestarter(ctx context.Context, log *slog.Logger) (*Restarter, context.Context) {
	r := &Restarter{log: log.With("component", "restart"), args: os.Args[1:], exec: execInPlace}
	if r.program, r.unknown = exec.LookPath(os.Args[0]); r.unknown == nil {
		r.program, r.unknown = filepath.Abs(r.program)
	}
	requests, stop := restartRequests()
	r.stopWatch = stop
	serving, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		r.run(ctx, requests)
	}()
	return r, serving
}

// run handles requests until ctx ends or the new program can start.
func (r *Restarter) run(ctx context.Context, requests <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-requests:
		}
		if err := r.check(ctx); err != nil {
			r.log.Error("restart cancelled", "error", err)
			notify("STATUS=Restart cancelled: the new program cannot start, see the log")
			continue
		}
		r.checked.Store(true)
		return
	}
}

// SetSocket sets the socket that the next program gets. Before that, a restart is
// cancelled.
func (r *Restarter) SetSocket(l *Listener, listen string) error {
	duplicable, ok := l.Listener.(interface{ File() (*os.File, error) })
	if !ok {
		return fmt.Errorf("restart: a %T cannot be passed on", l.Listener)
	}
	socket, err := duplicable.File()
	if err != nil {
		return fmt.Errorf("restart: duplicate the socket: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.socket, r.handover = socket, Handover{Listen: listen, Held: l.Held}
	return nil
}

// Close releases the socket, and no longer reacts to requests. A server that stops must
// call it before it closes its listener: otherwise the port stays open, and connections
// wait in it until the process ends.
func (r *Restarter) Close() error {
	r.stopWatch()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.socket == nil {
		return nil
	}
	err := r.socket.Close()
	r.socket = nil
	return err
}

// check runs the new program with --dry-run. The server continues meanwhile.
func (r *Restarter) check(ctx context.Context) error {
	r.mu.Lock()
	socket, handover := r.socket, r.handover
	r.mu.Unlock()
	switch {
	case socket == nil:
		return errors.New("the server is still starting")
	case r.unknown != nil:
		return fmt.Errorf("path of the program: %w", r.unknown)
	}
	ctx, cancel := context.WithTimeout(ctx, dryRunTimeout)
	defer cancel()
	env, err := withHandover(os.Environ(), handover)
	if err != nil {
		return err
	}
	var output bytes.Buffer
	c := exec.CommandContext(ctx, r.program, append(slices.Clone(r.args), DryRunFlag)...)
	c.Env, c.Stdout, c.Stderr, c.WaitDelay = withoutNotify(env), &output, &output, time.Second
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s cannot start: %w: %s", r.program, err, strings.TrimSpace(output.String()))
	}
	return nil
}

// Requested reports whether the server stops in order to restart.
func (r *Restarter) Requested() bool { return r.checked.Load() }

// Exec replaces the program. It returns only if that fails. Everything that the next
// program opens must be closed.
func (r *Restarter) Exec(stoppedAccepting time.Time, dropped int) error {
	r.stopWatch() // before exec: it makes the next program ignore requests until it handles them
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.handover
	h.StoppedAccepting, h.Dropped = stoppedAccepting, dropped
	fd, err := keepOnExec(r.socket)
	if err != nil {
		return fmt.Errorf("restart: keep the socket: %w", err)
	}
	h.FD = fd
	env, err := withHandover(os.Environ(), h)
	if err != nil {
		return err
	}
	err = r.exec(r.program, append([]string{os.Args[0]}, r.args...), env)
	return fmt.Errorf("restart: execute %s: %w", r.program, err)
}

// withHandover adds the variable for the next program to an environment.
func withHandover(env []string, h Handover) ([]string, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("restart: %w", err)
	}
	return append(env, handoverVariable+"="+string(text)), nil
}

// withoutNotify removes the socket of systemd from an environment: only the server
// reports its state.
func withoutNotify(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET=") })
}
