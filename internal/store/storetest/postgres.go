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

// Postgres is a private PostgreSQL server with a directory and a Unix socket in it.
type Postgres struct {
	dir        string // holds data/ and the socket
	bin        string
	credential *syscall.Credential // the user that it runs as; nil: our own
	cmd        *exec.Cmd
	log        *os.File
	noSync     bool
	settings   []string // further arguments of the server
}

// NewPostgres prepares a server in dir, which must not exist, and starts it.
// PostgreSQL cannot run as root: then it runs as the user postgres or nobody. Without
// sync, it is faster and can lose data when it is killed.
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
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is valid
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

// dropRoot makes the server run as another user than root, who gets the directory.
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
	return errors.New("PostgreSQL cannot run as root, and there is no user postgres or nobody")
}

func (p *Postgres) dataDir() string { return filepath.Join(p.dir, "data") }

// command runs one of the server's programs as the right user.
func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	// A separate process group, so that Ctrl-C at the terminal does not end it before
	// the tests.
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
	args = append(args, p.settings...)
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
	text, _ := os.ReadFile(filepath.Join(p.dir, "log")) // best effort: the log explains the error
	return fmt.Errorf("PostgreSQL does not answer: %s", bytes.TrimSpace(text))
}

// Kill ends the server and all its processes, like a power failure.
func (p *Postgres) Kill() error {
	pid := p.cmd.Process.Pid
	// Stop it first, so that it cannot start more processes. Each of them has a separate
	// group and would otherwise finish its work.
	errs := []error{syscall.Kill(pid, syscall.SIGSTOP)}
	processes := append(childProcesses(pid), pid)
	for _, k := range processes {
		if err := syscall.Kill(k, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	_ = p.cmd.Wait() // returns that it was killed
	for _, k := range processes {
		for isRunning(k) {
			time.Sleep(time.Millisecond)
		}
	}
	return errors.Join(append(errs, p.log.Close())...)
}

// childProcesses returns the children of a process.
func childProcesses(pid int) []int {
	var found []int
	names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is valid
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

// isRunning reports whether a process still runs. A process that ended can stay in the
// list until its parent waits for it.
func isRunning(pid int) bool {
	state, _ := processStatus(pid)
	return state != "" && state != "Z" && state != "X"
}

// processStatus returns the state and the parent of a process, see proc_pid_stat(5),
// or "" if there is none.
func processStatus(pid int) (state string, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // a name can have spaces
	parent, err = strconv.Atoi(string(fields[1]))
	if err != nil {
		return "", 0
	}
	return string(fields[0]), parent
}

// Stop shuts the server down.
func (p *Postgres) Stop() error {
	err := p.cmd.Process.Signal(syscall.SIGINT)
	return errors.Join(err, p.cmd.Wait(), p.log.Close())
}

// Address returns the address of the database that every server has.
func (p *Postgres) Address() string { return socketAddress(p.dir, "postgres") }

// socketAddress returns the address of a database of the server whose socket is in dir.
func socketAddress(dir, database string) string {
	q := url.Values{"host": {dir}, "user": {"overdue"}, "search_path": {"public"}}
	return "postgres:///" + database + "?" + q.Encode()
}

// Freeze stops the server and all its processes, like a host that hangs: connections
// stay open, and nothing answers. Thaw continues them.
func (p *Postgres) Freeze() error { return p.signalAll(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (p *Postgres) Thaw() error { return p.signalAll(syscall.SIGCONT) }

// signalAll sends a signal to the server, which starts all others, and then to these.
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

// Dir returns the directory of the Unix socket that the server listens on.
func (p *Postgres) Dir() string { return p.dir }

// Socket returns the path of that socket.
func (p *Postgres) Socket() string { return filepath.Join(p.dir, ".s.PGSQL.5432") }

// NewDatabase creates a database as a copy of another one, or an empty one if template is
// empty, and returns its address. The template must have no connections.
func (p *Postgres) NewDatabase(name, template string) (address string, err error) {
	if template == "" {
		template = emptyDatabase
	}
	return socketAddress(p.dir, name), p.run("CREATE DATABASE " + name + " TEMPLATE " + template)
}

// DropDatabase drops a database.
func (p *Postgres) DropDatabase(name string) error {
	return p.run("DROP DATABASE " + name + " WITH (FORCE)")
}

// run runs one statement as an administrator.
func (p *Postgres) run(statement string) error {
	psql := p.command("psql", "-h", p.dir, "-U", "overdue", "-d", "postgres", "-q", "-c", statement)
	if out, err := psql.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", statement, err, bytes.TrimSpace(out))
	}
	return nil
}
