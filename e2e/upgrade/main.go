// Command upgrade opens databases of earlier versions with the current one.
//
//	go run ./e2e/upgrade [COMMIT …]
//
// It builds each version from the repository, lets it store heartbeats, pings and
// incidents in SQLite and in PostgreSQL, kills it, opens the database with the current
// version, and compares the result of the API with the pings that were sent. Without arguments, it
// uses every tag and the commits in versions.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"overdue/client"
	"overdue/e2e/binary"
	"overdue/internal/store/storetest"
)

// versions are landings with different schemas or files, oldest first. The first two
// had a migration 1 that was changed later.
var versions = []string{"c34512e", "26c0328", "d4f06b6", "b3bbe68", "a806602", "6eb8fab", "675466f", "55ed959", "6ae4d6d", "7f439cc"}

// Numbers of what each version stores.
const (
	heartbeats = 40
	rounds     = 5 // pings of each heartbeat
	failsEvery = 10
)

// secretKey encrypts the secrets, in versions with encryption.
const secretKey = "a2V5IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZy4="

func main() {
	os.Exit(binary.With(func(current string) int {
		if err := run(context.Background(), current, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "upgrade:", err)
			return 1
		}
		return 0
	}))
}

// run tests each version on both databases. It reports all failures.
func run(ctx context.Context, current string, commits []string) (err error) {
	if len(commits) == 0 {
		tags, err := exec.CommandContext(ctx, "git", "tag", "--sort=creatordate").Output()
		if err != nil {
			return fmt.Errorf("git tag: %w", err)
		}
		commits = append(versions, strings.Fields(string(tags))...)
	}
	dir, err := os.MkdirTemp("", "overdue-upgrade")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as another user
		return err
	}
	var failed []error
	for _, commit := range commits {
		old, err := build(ctx, dir, commit)
		if err != nil {
			return err
		}
		server, err := storetest.NewPostgres(filepath.Join(dir, "postgres-"+commit), true)
		if err != nil {
			return err
		}
		for _, address := range []string{filepath.Join(dir, commit+".db"), server.Address()} {
			u := &upgrade{old: old, current: current, address: address}
			result := "equal"
			if err := u.run(ctx); err != nil {
				result = "FAILED: " + err.Error()
				failed = append(failed, fmt.Errorf("%s: %w", commit, err))
			}
			kind, _, _ := strings.Cut(address, ":")
			if kind != "postgres" {
				kind = "SQLite"
			}
			fmt.Printf("%-10s %-10s %d heartbeats, %d pings, %d incidents: %s\n", commit, kind, heartbeats, u.sent, u.incidents, result)
		}
		if err := server.Stop(); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// build builds a version and returns the path of its program.
func build(ctx context.Context, dir, commit string) (string, error) {
	source, program := filepath.Join(dir, "source-"+commit), filepath.Join(dir, "overdue-"+commit)
	if err := os.Mkdir(source, 0o700); err != nil {
		return "", err
	}
	archive := exec.CommandContext(ctx, "sh", "-c", `git archive "$1" | tar -x -C "$2"`, "sh", commit, source)
	compile := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	compile.Dir = source
	for _, step := range []*exec.Cmd{archive, compile} {
		if out, err := step.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", commit, err, out)
		}
	}
	return program, os.RemoveAll(source)
}

// upgrade is the upgrade of one database.
type upgrade struct {
	old, current string // programs
	address      string // of the database

	key       string   // of the API
	ids       []string // of the heartbeats
	sent      int      // pings answered with 200
	incidents int
}

// run fills a database with the old version, kills it, and opens it with the current one.
func (u *upgrade) run(ctx context.Context) error {
	if err := u.fill(ctx); err != nil {
		return fmt.Errorf("old version: %w", err)
	}
	s, err := u.serve(ctx, u.current)
	if err != nil {
		return err
	}
	defer s.Kill()
	api := client.New("http://"+s.Address, u.key)
	if err := u.compare(ctx, api); err != nil {
		return err
	}
	for _, id := range u.ids {
		if err := u.ping(ctx, s, id, ""); err != nil {
			return err
		}
	}
	if err := u.comparePings(ctx, api); err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, u.current, "check", "--database", u.address, "--secret-key", secretKey).CombinedOutput(); err != nil {
		return fmt.Errorf("check: %w\n%s", err, out)
	}
	return nil
}

// serve starts a server.
func (u *upgrade) serve(ctx context.Context, program string) (*binary.Server, error) {
	flags := []string{"--database", u.address}
	help, err := exec.CommandContext(ctx, program, "serve", "--help").Output()
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(help), "--secret-key") {
		flags = append(flags, "--secret-key", secretKey)
	}
	return binary.Serve(program, flags...)
}

// fill runs the old version and kills it.
func (u *upgrade) fill(ctx context.Context) error {
	s, err := u.serve(ctx, u.old)
	if err != nil {
		return err
	}
	defer s.Kill()
	key := exec.CommandContext(ctx, u.old, "api-key", "create", "--name", "test", "--database", u.address)
	key.Stderr = os.Stderr
	out, err := key.Output()
	if err != nil {
		return fmt.Errorf("api-key create: %w", err)
	}
	u.key = strings.TrimSpace(string(out))
	api := client.New("http://"+s.Address, u.key)
	for n := range heartbeats {
		name := fmt.Sprintf("job %02d", n)
		h, err := api.CreateHeartbeat(ctx, client.HeartbeatSettings{Name: &name, Interval: 86400, Grace: 3600})
		if err != nil {
			return err
		}
		u.ids = append(u.ids, *h.ID)
	}
	for range rounds {
		for n, id := range u.ids {
			signal := ""
			if n%failsEvery == 0 {
				signal = "/fail"
			}
			if err := u.ping(ctx, s, id, signal); err != nil {
				return err
			}
		}
	}
	u.incidents = heartbeats / failsEvery
	return nil
}

// ping sends one ping.
func (u *upgrade) ping(ctx context.Context, s *binary.Server, id, signal string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Address+"/api/v1/hb/"+id+signal, strings.NewReader(bodyOf(id)))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	text, _ := io.ReadAll(response.Body) // only for the error
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ping: %s: %s", response.Status, text)
	}
	u.sent++
	return nil
}

// bodyOf returns the body of the pings of a heartbeat.
func bodyOf(id string) string { return "output of " + id + ", žluťoučký kůň" }

// compare compares heartbeats, pings, bodies and incidents with those that were sent.
func (u *upgrade) compare(ctx context.Context, api *client.Client) error {
	if err := u.comparePings(ctx, api); err != nil {
		return err
	}
	for n, id := range u.ids {
		h, err := api.Heartbeat(ctx, id)
		if err != nil {
			return err
		}
		want := "up"
		if n%failsEvery == 0 {
			want = "down"
		}
		if name := fmt.Sprintf("job %02d", n); h.Name != name || h.Status != want {
			return fmt.Errorf("heartbeat %s is %q, %s; want %q, %s", id, h.Name, h.Status, name, want)
		}
		if body, err := api.PingBody(ctx, id, rounds); err != nil || string(body) != bodyOf(id) {
			return fmt.Errorf("body of %s: %q, %w", id, body, err)
		}
	}
	open := 0
	for i, err := range api.AllIncidents(ctx, client.IncidentQuery{}) {
		if err != nil {
			return err
		}
		if i.ResolvedAt == nil {
			open++
		}
	}
	if open != u.incidents {
		return fmt.Errorf("%d open incidents; want %d", open, u.incidents)
	}
	return nil
}

// comparePings compares the numbers of pings.
func (u *upgrade) comparePings(ctx context.Context, api *client.Client) error {
	counted := 0
	for _, id := range u.ids {
		h, err := api.Heartbeat(ctx, id)
		if err != nil {
			return err
		}
		counted += int(h.PingsCount)
	}
	if counted != u.sent {
		return fmt.Errorf("%d pings; want the %d that were answered with 200", counted, u.sent)
	}
	return nil
}
