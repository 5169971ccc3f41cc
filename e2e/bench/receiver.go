package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"overdue/client"
)

// Limits of the receiver.
const (
	mostNotices    = 1000 // later ones are only counted
	biggestMessage = 1 << 20
)

// receiver is where webhooks go.
type receiver struct {
	server *http.Server
	url    string

	mu      sync.Mutex
	count   int
	notices []notice
}

// notice is one webhook as it came.
type notice struct {
	at   time.Time
	body []byte
}

// receive starts a receiver.
func receive() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for webhooks: %w", err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/hook"}
	r.server = &http.Server{Handler: http.HandlerFunc(r.take), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.server.Serve(listener) }() // ends with close; what is missing is noticed
	return r, nil
}

// close ends the receiver.
func (r *receiver) close() { _ = r.server.Close() }

// take keeps one webhook. It is not decoded now: that would take time from the
// server under test.
func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(io.LimitReader(req.Body, biggestMessage))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.notices) < mostNotices {
		r.notices = append(r.notices, notice{at, body})
	}
	w.WriteHeader(http.StatusOK)
}

// taken is how many webhooks came, and those that were kept.
func (r *receiver) taken() (int, []notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.notices[:len(r.notices):len(r.notices)]
}

// opened decodes a webhook about a new incident.
func (n notice) opened() (client.Incident, error) {
	var body client.Notification
	if err := json.Unmarshal(n.body, &body); err != nil {
		return client.Incident{}, fmt.Errorf("webhook: %w", err)
	}
	if body.Event != "incident.opened" || body.Incident == nil {
		return client.Incident{}, fmt.Errorf("webhook: %s; want incident.opened", body.Event)
	}
	return *body.Incident, nil
}

// tell makes the server tell a receiver. It needs to run with
// --allow-private-networks.
func (s *server) tell(ctx context.Context, r *receiver) error {
	kind, name := "webhook", "bench"
	_, err := s.api.CreateChannel(ctx, client.ChannelSettings{Kind: &kind, Name: &name, Settings: map[string]any{"url": r.url}})
	if err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	return nil
}

// errUntold says that fewer webhooks came than were due.
var errUntold = errors.New("not all webhooks came")

// await waits until n webhooks have come, at most until the deadline.
func (r *receiver) await(ctx context.Context, n int, deadline time.Time) error {
	for {
		count, _ := r.taken()
		switch {
		case count >= n:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%w: %d of %d", errUntold, count, n)
		}
		if err := wait(ctx, time.Now().Add(20*time.Millisecond)); err != nil {
			return err
		}
	}
}
