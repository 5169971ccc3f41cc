package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"overdue/client"
)

const (
	testID  = "0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"
	pingURL = "https://overdue.example.org/api/v1/hb/" + testID
)

// fakeServer is a server that returns one response after another and repeats the
// last, without a socket, so that it works inside a bubble.
type fakeServer struct {
	answers []func(*http.Request) (*http.Response, error)
	heard   []string    // method and path with query
	at      []time.Time // when
	bodies  []string
	types   []string
}

func (s *fakeServer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	s.heard = append(s.heard, req.Method+" "+req.URL.RequestURI())
	s.at = append(s.at, time.Now())
	s.bodies = append(s.bodies, string(body))
	s.types = append(s.types, req.Header.Get("Content-Type"))
	n := min(len(s.heard), len(s.answers))
	return s.answers[n-1](req)
}

func (s *fakeServer) client() *http.Client { return &http.Client{Transport: s} }

func answers200(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}
		resp.Header.Set("Content-Type", "text/plain; charset=utf-8")
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

func neverAnswers(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func rejectsWith(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

func newFakeServer(answers ...func(*http.Request) (*http.Response, error)) *fakeServer {
	return &fakeServer{answers: answers}
}

func TestSend_UsesThePathOfEachSignal(t *testing.T) {
	two, zero := 2, 0
	for want, o := range map[string]client.PingOptions{
		"":                                    {},
		"/start":                              {Signal: client.Start},
		"/fail":                               {Signal: client.Fail},
		"/log":                                {Signal: client.Log},
		"/2":                                  {ExitCode: &two},
		"/0":                                  {ExitCode: &zero, Signal: client.Fail},
		"/fail?host=web+1%3F&rid=" + testID:   {Signal: client.Fail, RunID: testID, Host: "web 1?"},
		"?host=web1":                          {Host: "web1"},
		"/start?rid=" + testID:                {Signal: client.Start, RunID: testID},
		"?rid=" + strings.ToUpper(testID[:8]): {Signal: client.Success, RunID: strings.ToUpper(testID[:8])},
	} {
		far := newFakeServer(answers200(200, "OK"))
		o.HTTP = far.client()
		if err := client.Send(t.Context(), pingURL, o); err != nil {
			t.Fatalf("%q: %v", want, err)
		}
		if got := far.heard; !slices.Equal(got, []string{"POST /api/v1/hb/" + testID + want}) {
			t.Errorf("%q: sent %q", want, got)
		}
	}
}

func TestSend_SendsTheBodyUnchangedWithItsType(t *testing.T) {
	for body, kind := range map[string]string{"": "", "naïve\n": "text/plain; charset=utf-8", "\xff\x00\xfe": "application/octet-stream"} {
		far := newFakeServer(answers200(503, "busy"), answers200(200, "OK\n"))
		synctest.Test(t, func(t *testing.T) {
			if err := client.Send(t.Context(), pingURL, client.PingOptions{Body: []byte(body), HTTP: far.client()}); err != nil {
				t.Fatal(err)
			}
		})
		if !slices.Equal(far.bodies, []string{body, body}) || !slices.Equal(far.types, []string{kind, kind}) {
			t.Errorf("sent %q as %q; want %q as %q, twice", far.bodies, far.types, body, kind)
		}
	}
}

func TestSend_RetriesUntilAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakeServer(rejectsWith, answers200(500, "trouble"), answers200(429, "slow down"), neverAnswers, answers200(200, "OK"))
		var retries int
		err := client.Send(t.Context(), pingURL, client.PingOptions{HTTP: far.client(), OnRetry: func(error, time.Duration) { retries++ }})
		if err != nil || len(far.heard) != 5 || retries != 4 {
			t.Fatalf("err %v after %d attempts, OnRetry called %d times; want success at the fifth", err, len(far.heard), retries)
		}
	})
}

func TestSend_HonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakeServer(
			answers200(503, "away", "Retry-After", "7"),
			answers200(503, "away", "Retry-After", time.Now().Add(27*time.Second).UTC().Format(http.TimeFormat)),
			answers200(200, "OK"))
		if err := client.Send(t.Context(), pingURL, client.PingOptions{HTTP: far.client()}); err != nil {
			t.Fatal(err)
		}
		if first := far.at[1].Sub(far.at[0]); first < 7*time.Second || first > 8*time.Second {
			t.Errorf("rested %v; asked for 7 s", first)
		}
		if both := far.at[2].Sub(far.at[0]); both < 26*time.Second || both > 29*time.Second {
			t.Errorf("second rest ended after %v; asked for 27 s", both)
		}
	})
}

func TestSend_StopsIfTheBackoffExceedsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		far := newFakeServer(answers200(503, "away", "Retry-After", "60"))
		began := time.Now()
		err := client.Send(ctx, pingURL, client.PingOptions{HTTP: far.client()})
		var p *client.Problem
		if !errors.As(err, &p) || p.RetryAfter != time.Minute {
			t.Fatalf("err %v; want the 503 with its minute", err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %v for nothing", took)
		}
	})
}

func TestSend_DoesNotRetryPermanentErrors(t *testing.T) {
	for name, far := range map[string]*fakeServer{
		"unknown heartbeat": newFakeServer(answers200(404, "no such heartbeat")),
		"malformed":         newFakeServer(answers200(400, "bad exit code")),
		"forbidden":         newFakeServer(answers200(403, "no")),
		"redirect":          newFakeServer(answers200(301, "", "Location", "https://elsewhere.example.org/")),
		"login page":        newFakeServer(answers200(200, "<html>Welcome to the hotel</html>")),
	} {
		err := client.Send(t.Context(), pingURL, client.PingOptions{HTTP: &http.Client{
			Transport: far, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
		if err == nil || len(far.heard) != 1 {
			t.Errorf("%s: err %v after %d attempts; want one attempt and an error", name, err, len(far.heard))
		}
	}
}

func TestSend_IsBoundedInAttemptsAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakeServer(rejectsWith)
		if err := client.Send(t.Context(), pingURL, client.PingOptions{HTTP: far.client()}); err == nil || len(far.heard) != 10 {
			t.Errorf("err %v after %d attempts; want an error after 10", err, len(far.heard))
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 25*time.Second, errors.New("out of patience"))
		defer cancel()
		began := time.Now()
		err := client.Send(ctx, pingURL, client.PingOptions{HTTP: newFakeServer(neverAnswers).client(), AttemptTimeout: 4 * time.Second})
		if took := time.Since(began); took > 25*time.Second || took < 10*time.Second {
			t.Errorf("stopped after %v; want 10 s to 25 s", took)
		}
		if err == nil || !strings.Contains(err.Error(), "no answer within 4s") && !strings.Contains(err.Error(), "out of patience") {
			t.Errorf("error %q does not say who ran out of time", err)
		}
	})
}

func TestSend_StopsWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		far := newFakeServer(rejectsWith)
		began := time.Now()
		err := client.Send(ctx, pingURL, client.PingOptions{HTTP: far.client(), OnRetry: func(error, time.Duration) { cancel() }})
		if err == nil || time.Since(began) != 0 || len(far.heard) != 1 {
			t.Errorf("err %v after %v and %d attempts; want none after the cancel", err, time.Since(began), len(far.heard))
		}
	})
}

func TestSend_RejectsInvalidPingsBeforeSending(t *testing.T) {
	tooBig := 256
	for name, try := range map[string]func() error{
		"exit code": func() error { return client.Send(t.Context(), pingURL, client.PingOptions{ExitCode: &tooBig}) },
		"signal":    func() error { return client.Send(t.Context(), pingURL, client.PingOptions{Signal: "begin"}) },
		"scheme":    func() error { return client.Send(t.Context(), "ftp://x/", client.PingOptions{}) },
	} {
		if try() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSend_ErrorsDoNotRevealThePingURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := client.Send(t.Context(), pingURL, client.PingOptions{HTTP: newFakeServer(rejectsWith).client()})
		if err == nil || strings.Contains(err.Error(), testID) || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("error %q; want the reason without the URL", err)
		}
	})
}

func TestPingURL_AcceptsURLsAndIDs(t *testing.T) {
	for _, c := range []struct{ base, target, want string }{
		{"https://o.example.org", testID, "https://o.example.org/api/v1/hb/" + testID},
		{"https://o.example.org/sub/", testID, "https://o.example.org/sub/api/v1/hb/" + testID},
		{"", pingURL, pingURL},
		{"https://other.example.org", pingURL, pingURL},
		{"", testID, ""},
		{"o.example.org", testID, ""},
		{"https://o.example.org", "backup", ""},
		{"https://o.example.org", testID[:35] + "g", ""},
		{"https://o.example.org", strings.ReplaceAll(testID, "-", "0"), ""},
		{"https://o.example.org", "ftp://o.example.org/x", ""},
	} {
		got, err := client.PingURL(c.base, c.target)
		if (err != nil) != (c.want == "") || (err == nil && got != c.want) {
			t.Errorf("PingURL(%q, %q) = %q, %v; want %q", c.base, c.target, got, err, c.want)
		}
	}
}
