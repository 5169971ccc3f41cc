package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Postgres is a PostgreSQL server of our own, on a private directory and a
// Unix socket in it.
type Postgres struct {
	dir        string // holds data/ and the socket
	bin        string
	credential *syscall.Credential // who it runs as, nil for ourselves
	cmd        *exec.Cmd
	log        *os.File
	noSync     bool
}

// NewPostgres prepares a server in dir, which must not exist, and starts it.
// PostgreSQL refuses to run as root: then it runs as the user postgres or
// nobody. A fast server does not sync to disk, for tests that pull no plugs.
func NewPostgres(dir string, fast bool) (*Postgres, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir, bin: bin, noSync: fast}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("directory for PostgreSQL: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := p.dropRoot(); err != nil {
			return nil, err
		}
	}
	initdb := p.command("initdb", "-D", p.dataDir(), "-U", "overdue", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return p, p.Start()
}

// findPostgres returns the directory of the newest server's programs.
func findPostgres() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is fine
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errors.New("no PostgreSQL server found: install Debian's package postgresql, or run `make test`, which does")
	}
	return filepath.Dir(path), nil
}

// dropRoot makes the server run as somebody who is not root, and gives
// that user the directory.
func (p *Postgres) dropRoot() error {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("user %s: %w", name, err)
		}
		p.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(p.dir, uid, gid)
	}
	return errors.New("PostgreSQL cannot run as root, and there is neither a user postgres nor nobody")
}

func (p *Postgres) dataDir() string { return filepath.Join(p.dir, "data") }

// command runs one of the server's programs as the right user.
func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	// Its own process group, so that Ctrl-C at the terminal does not reach it
	// before the tests are done.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// Start starts the server and returns when it answers.
func (p *Postgres) Start() error {
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("log of PostgreSQL: %w", err)
	}
	args := []string{"-D", p.dataDir(), "-k", p.dir, "-c", "listen_addresses=", "-c", "max_connections=300"}
	if p.noSync {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	p.cmd, p.log = p.command("postgres", args...), log
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	for range 600 {
		if p.command("pg_isready", "-q", "-h", p.dir).Run() == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	said, _ := os.ReadFile(filepath.Join(p.dir, "log")) // best effort: it explains the error
	return fmt.Errorf("PostgreSQL does not answer: %s", bytes.TrimSpace(said))
}

// Kill ends the server and all its processes as a power cut would.
func (p *Postgres) Kill() error {
	pid := p.cmd.Process.Pid
	// Stopped first, so that it starts no process that we would not see. Each of
	// them leads a group of its own, and would finish what it is at.
	errs := []error{syscall.Kill(pid, syscall.SIGSTOP)}
	kin := append(childProcesses(pid), pid)
	for _, k := range kin {
		if err := syscall.Kill(k, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	_ = p.cmd.Wait() // tells that it was killed
	for _, k := range kin {
		for isRunning(k) {
			time.Sleep(time.Millisecond)
		}
	}
	return errors.Join(append(errs, p.log.Close())...)
}

// childProcesses lists the processes that a process started.
func childProcesses(pid int) []int {
	var found []int
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is fine
	for _, name := range names {
		child, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		if _, parent := processStatus(child); parent == pid {
			found = append(found, child)
		}
	}
	return found
}

// isRunning reports whether a process has memory still. One that ended may stay
// on the list of processes until somebody asks how.
func isRunning(pid int) bool {
	state, _ := processStatus(pid)
	return state != "" && state != "Z" && state != "X"
}

// processStatus tells the state and the parent of a process, see proc_pid_stat(5); ""
// when there is none.
func processStatus(pid int) (state string, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // a name may have spaces
	parent, err = strconv.Atoi(string(fields[1]))
	if err != nil {
		return "", 0
	}
	return string(fields[0]), parent
}

// Stop ends the server in good order.
func (p *Postgres) Stop() error {
	err := p.cmd.Process.Signal(syscall.SIGINT)
	return errors.Join(err, p.cmd.Wait(), p.log.Close())
}

// Address is what to connect to, with the given schema in front.
func (p *Postgres) Address(schema string) string { return socketAddress(p.dir, schema) }

// socketAddress is the address of the server whose socket lies in dir.
func socketAddress(dir, schema string) string {
	q := url.Values{"host": {dir}, "user": {"overdue"}, "search_path": {schema}}
	return "postgres:///postgres?" + q.Encode()
}

// Freeze stops the server and all its processes, as a host that hangs would:
// connections stay open, and nothing answers. Thaw lets them go on.
func (p *Postgres) Freeze() error { return p.signalAll(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (p *Postgres) Thaw() error { return p.signalAll(syscall.SIGCONT) }

// signalAll sends a signal to the server, which starts all others, and then to
// those.
func (p *Postgres) signalAll(sig syscall.Signal) error {
	pid := p.cmd.Process.Pid
	errs := []error{syscall.Kill(pid, sig)}
	for _, child := range childProcesses(pid) {
		if err := syscall.Kill(child, sig); !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Dir is the directory of the Unix socket that the server listens on.
func (p *Postgres) Dir() string { return p.dir }

// Socket is the path of that socket.
func (p *Postgres) Socket() string { return filepath.Join(p.dir, ".s.PGSQL.5432") }
