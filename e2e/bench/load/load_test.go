package load

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startTestServer starts a server with the handler and returns its address.
func startTestServer(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func TestRound_CountsEveryAcknowledgedPing(t *testing.T) {
	var mu sync.Mutex
	heard := map[string]int64{}
	address := startTestServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		heard[r.Method+" "+r.URL.Path]++
		mu.Unlock()
		_, _ = io.WriteString(w, "OK")
	})
	got, err := Round(t.Context(), address, PingsTo([]string{"a", "b"}), 4, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	sum := heard["POST /api/v1/hb/a"] + heard["POST /api/v1/hb/b"]
	if len(heard) != 2 || got.Pings != sum || int64(len(got.Took)) != sum {
		t.Errorf("counted %d pings with %d times; the server received %v", got.Pings, len(got.Took), heard)
	}
	if got.Elapsed < 50*time.Millisecond || got.Took.At(1) > got.Elapsed {
		t.Errorf("took %s, the slowest ping %s; want at least the length of the round", got.Elapsed, got.Took.At(1))
	}
}

func TestRound_FailsOnEveryResponseExceptOK(t *testing.T) {
	for want, answer := range map[string]http.HandlerFunc{
		"503 Service": func(w http.ResponseWriter, _ *http.Request) { // without Retry-After
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "OK")
		},
		"204 No":                  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		`200 with the body "OK!"`: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK!") },
		"200 with the body \"\"": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "OK")
			_ = http.NewResponseController(w).Flush()
		},
		"EOF": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		_, err := Round(t.Context(), startTestServer(t, answer), PingsTo([]string{"a"}), 2, 20*time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}

func TestRound_CountsHonestRejections(t *testing.T) {
	// The server rejects every second request, whatever its id: each connection picks ids at
	// random and pauses after a rejection for longer than the round.
	var received atomic.Int64
	address := startTestServer(t, func(w http.ResponseWriter, _ *http.Request) {
		if received.Add(1)%2 == 0 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "OK")
	})
	got, err := Round(t.Context(), address, PingsTo([]string{"a", "b"}), 4, 50*time.Millisecond)
	if err != nil || got.Rejected == 0 || got.Rejected != received.Load()/2 || got.Pings != received.Load()-got.Rejected || int64(len(got.Took)) != got.Pings {
		t.Errorf("%d pings with %d times, %d rejected, %v; the server received %d",
			got.Pings, len(got.Took), got.Rejected, err, received.Load())
	}
}

func TestStartPaced_CountsRejectionsAndContinues(t *testing.T) {
	var mu sync.Mutex
	var paths []string
	address := startTestServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if paths = append(paths, r.URL.Path); len(paths)%2 == 0 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "OK")
	})
	p, err := StartPaced(t.Context(), address, PingsTo([]string{"a", "b"}), Plan{Rate: 1000, Connections: 8, Count: 100, InOrder: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Sent) != 100 || got.Rejected() != 50 || len(paths) != 100 {
		t.Errorf("%d requests, %d rejected, %d received; want 100, 50 and 100", len(got.Sent), got.Rejected(), len(paths))
	}
	for _, s := range got.Sent {
		if number := int(s.Due.Sub(p.Begun()) / time.Millisecond); s.Request != number%2 {
			t.Errorf("request %d had the id %d", number, s.Request)
		}
		if s.OK == s.RetryAfter || s.OK != (s.Status == 200) || s.Took < s.Waited {
			t.Errorf("response %+v", s)
		}
	}
	if all, after := len(got.Since(p.Begun().Add(-1))), len(got.Since(p.Begun())); all != 100 || after != 99 {
		t.Errorf("%d requests since just before the first, %d after it; want 100 and 99", all, after)
	}
}

func TestStartPaced_LatencyCountsFromThePlannedTime(t *testing.T) {
	const stall = 100 * time.Millisecond
	var first sync.Once
	address := startTestServer(t, func(w http.ResponseWriter, _ *http.Request) {
		first.Do(func() { time.Sleep(stall) })
		_, _ = io.WriteString(w, "OK")
	})
	p, err := StartPaced(t.Context(), address, PingsTo([]string{"a"}), Plan{Rate: 200, Connections: 1, Count: 10})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	// Requests 1 to 9 were planned 5 to 45 ms after the first, and waited for it.
	if slowest := got.Since(p.Begun()).At(0); slowest < stall-9*5*time.Millisecond-time.Millisecond {
		t.Errorf("the fastest of the requests after a stall of %s took %s", stall, slowest)
	}
}

func TestStartPaced_ReportsBrokenConnections(t *testing.T) {
	address := startTestServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, reconnect := range []bool{false, true} {
		p, err := StartPaced(t.Context(), address, PingsTo([]string{"a"}), Plan{Rate: 1000, Connections: 2, Count: 10, Reconnect: reconnect})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Wait()
		if want := map[bool]int{false: 2, true: 10}[reconnect]; len(got.Sent) != want || got.Rejected() != want || (err == nil) != reconnect {
			t.Errorf("reconnect %v: %d requests, %d rejected, %v; want %d", reconnect, len(got.Sent), got.Rejected(), err, want)
		}
	}
}

func TestCommand_SendsWhatItsArgumentsSay(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	address := startTestServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got[fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("Authorization"), body)]++
		switch {
		case r.URL.Query().Get("n") == "3":
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Query().Get("n") == "2":
			_ = http.NewResponseController(w).Flush() // the body has no length
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
		default:
			w.Header().Set("Connection", "close")
		}
	})
	var out, errOut strings.Builder
	code := Command(t.Context(), strings.Fields("-url http://"+address+"/push/{id}?n={id} -method PUT -header Authorization:T{id} -body b{id} -ids 1-3 -rate 500 -seconds 0.06 -connections 3"), &out, &errOut)
	all, kinds := 0, 0
	for i := 1; i <= 3; i++ {
		n := got[fmt.Sprintf("PUT /push/%d?n=%d T%d b%d", i, i, i, i)]
		if all += n; n > 0 {
			kinds++
		}
	}
	if code != 1 || all != 30 || kinds != 3 || !strings.Contains(out.String(), "30 requests, planned 500/s") || !strings.Contains(out.String(), "  max ") || !strings.Contains(out.String(), "status 429: ") {
		t.Errorf("exit code %d, received %v\n%s%s", code, got, out.String(), errOut.String())
	}
}

func TestCommand_ChecksItsArguments(t *testing.T) {
	const u = "-url http://127.0.0.1:1/ "
	for args, want := range map[string]string{
		"":                               "-url is required",
		"-url ftp://x":                   `-url "ftp://x": must begin with`,
		"-url localhost:8080/x":          "must begin with http://",
		"-url http://:80/x":              "and a host",
		"-url http://{id}/ -ids 1-3":     "the host cannot contain {id}",
		"-url http://u:secret@127.0.0.1": "cannot contain a password",
		u + "-ids 1-3":                   "does not contain {id}",
		u + "-body {id}":                 "-ids is required",
		u + "-body {id} -ids 1-10":       `"1" and "10" must have the same length`,
		u + "-body {id} -ids 3-1":        "must be an ascending range",
		u + "-body {id} -ids missing":    "-ids: open missing:",
		u + "-rate 0":                    "-rate 0: must be more than 0 and at most 1000000",
		u + "-rate NaN":                  "-rate NaN: must be",
		u + "-seconds 3601":              "-seconds 3601: must be",
		u + "-connections 0":             "-connections 0: must be from 1 to 10000",
		u + "-header nothing":            "write Name: value",
		u + "-method get":                `-method "get": must be a method in capital letters`,
		u + "-header A: b":               `"b": unexpected argument`,
	} {
		var errOut strings.Builder
		if code := Command(t.Context(), strings.Fields(args), io.Discard, &errOut); code != 2 || !strings.Contains(errOut.String(), want) {
			t.Errorf("%q: exit code %d, %q; want 2 and %q", args, code, errOut.String(), want)
		}
	}
}

func TestCommand_HelpIsOutputAndNotAnError(t *testing.T) {
	for _, arg := range []string{"-h", "--help"} {
		var out, errOut strings.Builder
		if code := Command(t.Context(), []string{arg}, &out, &errOut); code != 0 || errOut.Len() > 0 || !strings.Contains(out.String(), "Exit code:") || !strings.Contains(out.String(), "-connections N") {
			t.Errorf("%s: exit code %d, %q\n%s", arg, code, errOut.String(), out.String())
		}
	}
}

func TestCommand_ALoadOfLessThanOneRequestEnds(t *testing.T) {
	address := startTestServer(t, func(http.ResponseWriter, *http.Request) {})
	var out strings.Builder
	if code := Command(t.Context(), strings.Fields("-url http://"+address+"/ -rate 1 -seconds 0.1 -connections 1"), &out, io.Discard); code != 0 || !strings.HasPrefix(out.String(), "1 requests, ") {
		t.Errorf("exit code %d, %s", code, out.String())
	}
}

func TestCommand_SaysWhyThereIsNoResponse(t *testing.T) {
	address := startTestServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	var out strings.Builder
	if code := Command(t.Context(), strings.Fields("-url http://"+address+"/ -rate 1000 -seconds 0.01 -connections 2"), &out, io.Discard); code != 1 || !strings.Contains(out.String(), "no response (response: EOF): 10\n") || strings.Contains(out.String(), "latency") {
		t.Errorf("exit code %d, %s", code, out.String())
	}
}

func TestStartPaced_SendsNoRequestThatIsTooLate(t *testing.T) {
	address := startTestServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") })
	for delay, want := range map[time.Duration]int{time.Nanosecond: 0, time.Hour: 10, 0: 10} {
		plan := Plan{Rate: 1e9, Connections: 2, Count: 10, MaxDelay: delay}
		p, err := StartPaced(t.Context(), address, PingsTo([]string{"a"}), plan)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Wait()
		if err != nil || len(got.Sent) != want {
			t.Errorf("delay %s: sent %d, %v; want %d", delay, len(got.Sent), err, want)
		}
		var out strings.Builder
		got.print(&out, plan)
		if reported := strings.Contains(out.String(), "not sent: 10\n"); reported != (want == 0) {
			t.Errorf("delay %s:\n%s", delay, out.String())
		}
	}
}

func TestLatencies_QuantilesAreDurationsThatOccurred(t *testing.T) {
	var l Latencies
	for i := range 100 {
		l = append(l, int64(100-i))
	}
	got := fmt.Sprint(l.At(0), l.At(0.5), l.At(0.99), l.At(1), Latencies{}.At(0.5), Latencies{7}.At(0.99))
	if want := "1ns 50ns 99ns 100ns 0s 7ns"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if got := fmt.Sprint(Median([]float64{3, 1, 2}), Median([]float64{4, 1, 2, 3})); got != "2 2" {
		t.Errorf("medians %s; want 2 2", got)
	}
}
