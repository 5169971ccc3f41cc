package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// The owner of the databases. Members have the same password.
const (
	ownerEmail    = "bench@example.com"
	ownerPassword = "a password of the bench"
)

// browser is an HTTP client with the session of a signed-in user.
type browser struct {
	base    string
	client  *http.Client
	streams map[string]string // addresses of event streams, by page
}

// signIn signs in with the form.
func (s *server) signIn(ctx context.Context, email string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("cookies: %w", err)
	}
	r := &browser{base: "http://" + s.address, streams: map[string]string{}, client: &http.Client{Jar: jar, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32}}}
	form := url.Values{"email": {email}, "password": {ownerPassword}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	submit := *r.client // without the page that the form redirects to, which can be slow
	submit.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := submit.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	defer resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || to != "/heartbeats" {
		return nil, fmt.Errorf("sign-in: redirected to %q with %s", to, resp.Status)
	}
	return r, nil
}

// errUnavailable is the error of a page or an API list that was answered 503, with the time
// that it took.
var errUnavailable = errors.New("answered 503")

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
	if resp.StatusCode == http.StatusServiceUnavailable {
		return nil, time.Since(begun), errUnavailable
	}
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != req.URL.Path {
		return nil, 0, fmt.Errorf("%s: got %s from %s", path, resp.Status, resp.Request.URL.Path)
	}
	return body, first, nil
}

// liveAddress is the address of the event stream of a page.
var liveAddress = regexp.MustCompile(`<body data-live="([^"]+)"`)

// streamOf returns the address of the event stream of a page. Each page is loaded once.
func (r *browser) streamOf(ctx context.Context, page string) (string, error) {
	if address, known := r.streams[page]; known {
		return address, nil
	}
	body, _, err := r.load(ctx, page, false)
	if err != nil {
		return "", err
	}
	m := liveAddress.FindSubmatch(body)
	if m == nil {
		return "", fmt.Errorf("%s has no event stream", page)
	}
	r.streams[page] = html.UnescapeString(string(m[1]))
	return r.streams[page], nil
}

// openStream opens an event stream, as the script of a page does, and reads it until ctx
// ends. events counts the events.
func (r *browser) openStream(ctx context.Context, address string, events *atomic.Int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+address, nil)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("event stream: %w", err)
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		_ = resp.Body.Close() // the answer is an error
		return fmt.Errorf("event stream %.40s: %s, %s", address, resp.Status, kind)
	}
	go func() {
		defer func() { _ = resp.Body.Close() }() // it was read to its end
		for lines := bufio.NewReader(resp.Body); ; {
			line, err := lines.ReadSlice('\n')
			if strings.HasPrefix(string(line), "event:") {
				events.Add(1)
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return
			}
		}
	}()
	return nil
}
