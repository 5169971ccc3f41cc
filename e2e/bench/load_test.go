package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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
	got, err := round(t.Context(), address, requests([]string{"a", "b"}), 4, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	sum := heard["POST /api/v1/hb/a"] + heard["POST /api/v1/hb/b"]
	if len(heard) != 2 || got.pings != sum || int64(len(got.took)) != sum {
		t.Errorf("counted %d pings with %d times; the server received %v", got.pings, len(got.took), heard)
	}
	if got.elapsed < 50*time.Millisecond || got.took.at(1) > got.elapsed {
		t.Errorf("took %s, the slowest ping %s; want at least the length of the round", got.elapsed, got.took.at(1))
	}
}

func TestRound_FailsOnEveryResponseExceptOK(t *testing.T) {
	for want, answer := range map[string]http.HandlerFunc{
		"503 Service": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "OK")
		},
		"204 No":                  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		`200 with the body "OK!"`: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK!") },
		"no Content-Length": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "OK")
			_ = http.NewResponseController(w).Flush()
		},
		"EOF": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		_, err := round(t.Context(), startTestServer(t, answer), requests([]string{"a"}), 2, 20*time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %q", err, want)
		}
	}
}

func TestStartPaced_CountsRejectionsAndContinues(t *testing.T) {
	var heard atomic.Int64
	address := startTestServer(t, func(w http.ResponseWriter, _ *http.Request) {
		if heard.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "OK")
	})
	p, err := startPaced(t.Context(), address, requests([]string{"a"}), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for heard.Load() < 100 {
		if err := sleepUntil(t.Context(), time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := p.stop()
	if err != nil {
		t.Fatal(err)
	}
	n := int(heard.Load())
	if len(got.took) != n || got.rejected != n/2 {
		t.Errorf("counted %d pings, %d rejected; want %d and %d", len(got.took), got.rejected, n, n/2)
	}
	first := slices.MinFunc(got.took, func(a, b pingLatency) int { return a.dueAt.Compare(b.dueAt) }).dueAt
	if all, after := len(got.since(first.Add(-1))), len(got.since(first)); all != n || after != n-1 {
		t.Errorf("%d pings since just before the first, %d after it; want %d and %d", all, after, n, n-1)
	}
}

func TestStartPaced_ReportsBrokenConnections(t *testing.T) {
	broken := make(chan struct{}, pacedConnections)
	address := startTestServer(t, func(http.ResponseWriter, *http.Request) {
		broken <- struct{}{}
		panic(http.ErrAbortHandler)
	})
	p, err := startPaced(t.Context(), address, requests([]string{"a"}), 1000)
	if err != nil {
		t.Fatal(err)
	}
	<-broken
	if _, err := p.stop(); err == nil {
		t.Error("stop returned no error for a broken connection")
	}
}

func TestLatencies_QuantilesAreDurationsThatOccurred(t *testing.T) {
	var l latencies
	for i := range 100 {
		l = append(l, int64(100-i))
	}
	got := fmt.Sprint(l.at(0), l.at(0.5), l.at(0.99), l.at(1), latencies{}.at(0.5), latencies{7}.at(0.99))
	if want := "1ns 50ns 99ns 100ns 0s 7ns"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if got := fmt.Sprint(median([]float64{3, 1, 2}), median([]float64{4, 1, 2, 3})); got != "2 2" {
		t.Errorf("medians %s; want 2 2", got)
	}
}
