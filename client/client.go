package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// apiPath is the path of the API below the address of the server.
const apiPath = "/api/v1"

// callTimeout limits one call if the context does not. A test alert waits up to 35 s for
// the provider.
const callTimeout = 45 * time.Second

// maxResponseBytes is the maximum size of a response. A page of heartbeats is far smaller;
// the limit protects the memory from an endless stream.
const maxResponseBytes = 64 << 20

// Client calls the API of one server with one key. It is safe for concurrent use.
type Client struct {
	base      string
	key       string
	http      *http.Client
	userAgent string
}

// Option configures a [Client].
type Option func(*Client)

// WithHTTPClient sets the HTTP client, for example for a proxy or a private certificate
// authority. The client is copied, and its redirects are restricted (see [New]).
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) {
		own := *h
		c.http = &own
	}
}

// WithUserAgent sets the name of the program in the logs of the server.
func WithUserAgent(name string) Option {
	return func(c *Client) { c.userAgent = name }
}

// New returns a client for the server at base, for example "https://overdue.example.org",
// that authenticates with the API key. The first call reports an invalid base.
//
// The client follows only redirects that keep the method. An HTTP client that follows a 301
// or 302 turns a POST into a GET, and the target may answer 200 without having done
// anything.
func New(base, key string, opts ...Option) *Client {
	c := &Client{
		base:      strings.TrimRight(base, "/"),
		key:       key,
		http:      &http.Client{Timeout: callTimeout},
		userAgent: "overdue-client",
	}
	for _, opt := range opts {
		opt(c)
	}
	c.http.CheckRedirect = keepMethod
	return c
}

// maxRedirects is the maximum number of redirects of one call.
const maxRedirects = 5

// keepMethod stops at a redirect that would change the method.
func keepMethod(req *http.Request, via []*http.Request) error {
	if req.Method != via[0].Method || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// call is a request to the API.
type call struct {
	method string
	path   string // below /api/v1, with escaped segments
	query  url.Values
	body   any    // sent as JSON unless nil
	match  string // If-Match, empty: any version
}

// response is a complete response.
type response struct {
	status int
	body   []byte
	etag   string
}

// send makes a call. A status other than 2xx is a [*Problem].
func (c *Client) send(ctx context.Context, a call) (response, error) {
	req, err := c.request(ctx, a)
	if err != nil {
		return response{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return response{}, fmt.Errorf("call: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes))
	if err != nil {
		return response{}, fmt.Errorf("response to %s %s: %w", a.method, req.URL, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return response{}, readProblem(resp, body)
	}
	return response{resp.StatusCode, body, resp.Header.Get("ETag")}, nil
}

// request builds the HTTP request of a call.
func (c *Client) request(ctx context.Context, a call) (*http.Request, error) {
	if err := checkBase(c.base); err != nil {
		return nil, err
	}
	address := c.base + apiPath + a.path
	if len(a.query) > 0 {
		address += "?" + a.query.Encode()
	}
	var body io.Reader
	if a.body != nil {
		text, err := json.Marshal(a.body)
		if err != nil {
			return nil, fmt.Errorf("request body: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, a.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", c.userAgent)
	if a.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.match != "" {
		req.Header.Set("If-Match", a.match)
	}
	return req, nil
}

// checkBase rejects an address that is not the one of a web server. Its error shows a valid
// address; net/http would return "unsupported protocol scheme".
func checkBase(base string) error {
	if base == "" {
		return errors.New("server address: required")
	}
	u, err := url.Parse(base)
	if err != nil {
		return fmt.Errorf("server address: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("server address %q: must be an http or https URL, such as https://overdue.example.org", base)
	}
	return nil
}

// fetch makes a call and decodes the JSON of the response. The status distinguishes created
// from changed.
func fetch[T any](ctx context.Context, c *Client, a call) (value T, status int, err error) {
	got, err := c.send(ctx, a)
	if err != nil {
		return value, 0, err
	}
	if err := json.Unmarshal(got.body, &value); err != nil {
		return value, 0, fmt.Errorf("response to %s %s: not the JSON of this API (is %s the address of Overdue?): %w",
			a.method, a.path, c.base, err)
	}
	return value, got.status, nil
}

// fetchValue is fetch without the status.
func fetchValue[T any](ctx context.Context, c *Client, a call) (T, error) {
	value, _, err := fetch[T](ctx, c, a)
	return value, err
}
