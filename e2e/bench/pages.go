package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The data of the page measurement, and the maximum sizes of pages in kilobytes (kB,
// 10³ bytes). Compressed sizes are those of the bodies for a browser with an empty
// cache, without headers.
const (
	loadsPerPage      = 50
	maxPageSize       = 150
	maxFirstVisitSize = 60
	bytesPerKB        = 1e3
	ownerEmail        = "bench@example.com"
	ownerPassword     = "a password of the bench"
)

// measuredPage is a page that is measured.
type measuredPage struct{ name, path string }

// pages measures the time to the first byte and the size of pages in a project with
// ten thousand heartbeats.
func (b *bench) pages(ctx context.Context) error {
	address := filepath.Join(b.dir, "pages.db")
	owner := []string{"--owner-email", ownerEmail, "--owner-password", ownerPassword}
	s, err := b.serve(ctx, address, "", owner...)
	if err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	first, err := addVariedHeartbeats(ctx, address)
	if err != nil {
		return err
	}
	if s, err = b.serve(ctx, address, "", owner...); err != nil {
		return err
	}
	defer s.kill()
	reader, err := s.signIn(ctx)
	if err != nil {
		return err
	}
	for _, page := range []measuredPage{
		{"list", "/heartbeats"},
		{"search, many found", "/heartbeats?q=backup"},
		{"search, one found", "/heartbeats?q=" + url.QueryEscape(first.Name)},
		{"search, none found", "/heartbeats?q=nothing+like+it"},
		{"only Down", "/heartbeats?status=down"},
		{"only one tag", "/heartbeats?tag=db"},
		{"one heartbeat", "/heartbeats/" + first.ID},
	} {
		if err := b.measurePage(ctx, reader, page); err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
	}
	if err := b.firstVisit(ctx, reader); err != nil {
		return err
	}
	return s.stop()
}

// measurePage loads a page many times.
func (b *bench) measurePage(ctx context.Context, r *browser, page measuredPage) error {
	var took latencies
	for range loadsPerPage {
		_, first, err := r.load(ctx, page.path, true)
		if err != nil {
			return err
		}
		took = append(took, int64(first))
	}
	plain, _, err := r.load(ctx, page.path, false)
	if err != nil {
		return err
	}
	what := "10,000 heartbeats, " + page.name
	b.report.add(figure{"pages", "SQLite", what + ": first byte, median", ms(took.at(0.5)), "ms", nil})
	b.report.add(figure{"pages", "SQLite", what + ": first byte, slowest of 50", ms(took.at(1)), "ms", nil})
	b.report.add(figure{"pages", "SQLite", what + ": uncompressed", float64(len(plain)) / bytesPerKB, "kB", atMost(maxPageSize)})
	return nil
}

// asset is a file that a page loads.
var asset = regexp.MustCompile(`(?:href|src)="(/static/[^"#]+)`)

// firstVisit returns the size of all files that a browser with an empty cache loads.
func (b *bench) firstVisit(ctx context.Context, r *browser) error {
	plain, _, err := r.load(ctx, "/heartbeats", false)
	if err != nil {
		return err
	}
	if !strings.Contains(string(plain), "of 10,000") {
		return errors.New("the list does not show the total of 10,000")
	}
	loads := map[string]bool{"/heartbeats": true}
	for _, m := range asset.FindAllStringSubmatch(string(plain), -1) {
		loads[m[1]] = true
	}
	if len(loads) < 4 {
		return fmt.Errorf("the list loads only %d files; want at least a stylesheet, a script and icons", len(loads))
	}
	total := 0
	for path := range loads {
		body, _, err := r.load(ctx, path, true)
		if err != nil {
			return err
		}
		total += len(body)
	}
	what := fmt.Sprintf("first visit to the list, %d files, compressed", len(loads))
	b.report.add(figure{"pages", "SQLite", what, float64(total) / bytesPerKB, "kB", atMost(maxFirstVisitSize)})
	return nil
}

// browser is an HTTP client with the session of a signed-in user.
type browser struct {
	base   string
	client *http.Client
}

// signIn signs in with the form.
func (s *server) signIn(ctx context.Context) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("cookies: %w", err)
	}
	r := &browser{base: "http://" + s.address, client: &http.Client{Jar: jar, Timeout: startTimeout, Transport: &http.Transport{DisableCompression: true}}}
	form := url.Values{"email": {ownerEmail}, "password": {ownerPassword}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/heartbeats" {
		return nil, fmt.Errorf("sign-in: redirected to %s with %s", resp.Request.URL.Path, resp.Status)
	}
	return r, nil
}

// load loads a file. It returns the body as received, and the time from the request
// to its first byte. With compressed, it accepts gzip.
func (r *browser) load(ctx context.Context, path string, compressed bool) (body []byte, first time.Duration, err error) {
	var begun time.Time
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Since(begun) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, r.base+path, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("request: %w", err)
	}
	if compressed {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	begun = time.Now()
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		return nil, 0, fmt.Errorf("body of %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != req.URL.Path {
		return nil, 0, fmt.Errorf("%s: got %s from %s", path, resp.Status, resp.Request.URL.Path)
	}
	return body, first, nil
}
