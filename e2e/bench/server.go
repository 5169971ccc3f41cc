package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"overdue/client"
)

// server is a running Overdue.
type server struct {
	*child
	api *client.Client
}

// benchKey encrypts the secrets of the temporary databases.
const benchKey = "a2V5IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZy4="

// serve starts the server on a database.
func (b *bench) serve(ctx context.Context, db database, flags ...string) (*server, error) {
	args := append([]string{"serve", "--database", db.address, "--secret-key", benchKey, "--listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "info"}, flags...)
	if b.profiles != "" {
		args = append(args, "--debug-listen", "127.0.0.1:0")
	}
	c, err := launch(ctx, db.build.binary, args...)
	if err != nil {
		return nil, err
	}
	return &server{child: c, api: client.New("http://"+c.address, db.key)}, nil
}

// get sends a GET request to the server, for example for /healthz.
func (s *server) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return http.DefaultClient.Do(req)
}

// profile writes a profile of the processor time of the next seconds to a file.
func (s *server) profile(ctx context.Context, length time.Duration, file string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", s.debug, length.Seconds())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", resp.Status, body)
	}
	if err == nil {
		err = os.WriteFile(file, body, 0o644)
	}
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return nil
}

// gauge reads one number from /metrics. name can have labels.
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
