package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"overdue/client"
)

// server is a running Overdue.
type server struct {
	*child
	api *client.Client
}

// newKey starts the server once to create the database, and creates an API key with
// the command line.
func (b *bench) newKey(ctx context.Context, database string) (string, error) {
	s, err := b.serve(ctx, database, "")
	if err != nil {
		return "", err
	}
	defer s.kill()
	cmd := exec.CommandContext(ctx, b.binary, "api-key", "create", "--name", "bench", "--database", database)
	cmd.Stderr = b.progressTo
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("api key: %w", err)
	}
	return strings.TrimSpace(string(out)), s.stop()
}

// benchKey encrypts the secrets of the temporary databases.
const benchKey = "a2V5IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZy4="

// serve starts the server on a database.
func (b *bench) serve(ctx context.Context, database, key string, flags ...string) (*server, error) {
	args := append([]string{"serve", "--database", database, "--secret-key", benchKey, "--listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "info"}, flags...)
	c, err := launch(ctx, b.binary, args...)
	if err != nil {
		return nil, err
	}
	return &server{child: c, api: client.New("http://"+c.address, key)}, nil
}

// get sends a GET request to the server, for example for /healthz.
func (s *server) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return http.DefaultClient.Do(req)
}

// gauge reads one number without labels from /metrics.
func (s *server) gauge(ctx context.Context, name string) (float64, error) {
	resp, err := s.get(ctx, "/metrics")
	if err != nil {
		return 0, fmt.Errorf("metrics: %w", err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if rest, found := bytes.CutPrefix(lines.Bytes(), []byte(name+" ")); found {
			var value float64
			_, err := fmt.Sscan(string(rest), &value)
			return value, err
		}
	}
	return 0, fmt.Errorf("metrics: no %s", name)
}

// stored returns the number of stored pings of all heartbeats.
func (s *server) stored(ctx context.Context) (int64, error) {
	var sum int64
	const maxPageSize = 200
	for h, err := range s.api.AllHeartbeats(ctx, client.HeartbeatQuery{Sort: "created", PageQuery: client.PageQuery{Limit: maxPageSize}}) {
		if err != nil {
			return 0, fmt.Errorf("heartbeats: %w", err)
		}
		sum += h.PingsCount
	}
	return sum, nil
}

// waitUntilHealthy waits until /healthz answers 200.
func (s *server) waitUntilHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		resp, err := s.get(ctx, "/healthz")
		if err == nil {
			_ = resp.Body.Close() // only the status counts
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := sleepUntil(ctx, time.Now().Add(time.Millisecond)); err != nil {
			return fmt.Errorf("healthz: %w", err)
		}
	}
}
