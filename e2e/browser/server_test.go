package browser_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"overdue/client"
)

// The owner of a server whose journey does not begin with the setup.
const (
	ownerEmail    = "owner@example.com"
	ownerPassword = "a long enough password"
)

// waitLimit is the maximum time of a step.
const waitLimit = 45 * time.Second

// server is the running product with its own database.
type server struct {
	base     string // as printed in its log
	setup    string // the one-time link, empty when there is an owner
	database string
	said     *transcript
	provoked []string // parts of log lines that the journey causes
}

// transcript holds the output of a process. It is safe for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// startServer starts the product for the first time, with additional environment
// variables. It ends with the test.
func startServer(t *testing.T, env ...string) *server {
	t.Helper()
	return startServerOn(t, filepath.Join(t.TempDir(), "overdue.db"), env...)
}

// startServerOn is startServer on a database that can have data.
func startServerOn(t *testing.T, database string, env ...string) *server {
	t.Helper()
	s := &server{database: database, said: &transcript{}}
	log := &transcript{}
	cmd := exec.Command(binary, "serve", "--database", s.database, "--listen", "127.0.0.1:0", "--log-level", "warn", "--allow-private-networks")
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = s.said, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // the server ends with the test process
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // the journey is over
		_ = cmd.Wait()         // killed, as was asked
		for line := range strings.Lines(log.String()) {
			if !slices.ContainsFunc(s.provoked, func(part string) bool { return strings.Contains(line, part) }) {
				t.Errorf("the server logged: %s", line)
			}
		}
	})
	address := regexp.MustCompile(`(?m)^ +address +(\S+)\n +data .*\n`)
	waitUntil(t, "the server says where it is", func() error {
		found := address.FindStringSubmatch(s.said.String())
		if found == nil {
			return fmt.Errorf("it says:\n%s%s", s.said, log)
		}
		s.base = found[1]
		return nil
	})
	return s
}

// startFirstServer starts a server that waits for its owner.
func startFirstServer(t *testing.T) *server {
	t.Helper()
	s := startServer(t)
	link := regexp.MustCompile(`http\S+/setup\?token=\S+`)
	waitUntil(t, "the server prints the link that creates the owner", func() error {
		if s.setup = link.FindString(s.said.String()); s.setup == "" {
			return fmt.Errorf("it says:\n%s", s.said)
		}
		return nil
	})
	return s
}

// startOwnedServer starts a server with an owner.
func startOwnedServer(t *testing.T) *server {
	t.Helper()
	return startServer(t, "OVERDUE_OWNER_EMAIL="+ownerEmail, "OVERDUE_OWNER_PASSWORD="+ownerPassword)
}

// newClient returns an API client with a new key.
func (s *server) newClient(t *testing.T) *client.Client {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "api-key", "create", "--name", "journey", "--database", s.database)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("api-key create: %v\n%s", err, problems.String())
	}
	return client.New(s.base, strings.TrimSpace(string(out)))
}

// createHeartbeat creates a heartbeat.
func createHeartbeat(t *testing.T, api *client.Client, name, interval, grace string, tags ...string) client.Heartbeat {
	t.Helper()
	tags = append([]string{}, tags...) // none is a list too
	h, err := api.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: &name, Interval: interval, Grace: grace, Tags: &tags})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ping sends a ping.
func ping(t *testing.T, url string) {
	t.Helper()
	report(t, url, "")
}

// report sends a ping with a body.
func report(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the ping got %s", resp.Status)
	}
}

// waitUntil repeats try until it succeeds.
func waitUntil(t *testing.T, what string, try func() error) {
	t.Helper()
	const pause = 30 * time.Millisecond
	deadline := time.Now().Add(waitLimit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", waitLimit, what, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		case <-time.After(pause):
		}
	}
}
