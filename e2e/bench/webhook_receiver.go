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
	maxWebhooks    = 200_000 // later ones are only counted
	maxWebhookSize = 1 << 20
)

// receiver is a server that receives webhooks.
type receiver struct {
	server *http.Server
	url    string

	mu       sync.Mutex
	count    int
	webhooks []webhook
}

// webhook is one received webhook.
type webhook struct {
	at   time.Time
	body []byte
}

// startReceiver starts a receiver.
func startReceiver() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for webhooks: %w", err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/hook"}
	r.server = &http.Server{Handler: http.HandlerFunc(r.handle), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.server.Serve(listener) }() // returns after close; waitFor detects missing webhooks
	return r, nil
}

// close stops the receiver.
func (r *receiver) close() { _ = r.server.Close() }

// handle stores one webhook without decoding it, because that would use processor time
// of the server under test.
func (r *receiver) handle(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxWebhookSize))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.webhooks) < maxWebhooks {
		r.webhooks = append(r.webhooks, webhook{at, body})
	}
	w.WriteHeader(http.StatusOK)
}

// received returns the number of received webhooks, and the stored ones.
func (r *receiver) received() (int, []webhook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.webhooks[:len(r.webhooks):len(r.webhooks)]
}

// opened returns the incident of an incident.opened webhook.
func (w webhook) opened() (client.Incident, error) {
	var body client.Notification
	if err := json.Unmarshal(w.body, &body); err != nil {
		return client.Incident{}, fmt.Errorf("webhook: %w", err)
	}
	if body.Event != "incident.opened" || body.Incident == nil {
		return client.Incident{}, fmt.Errorf("webhook: %s; want incident.opened", body.Event)
	}
	return *body.Incident, nil
}

// addWebhookChannel creates a channel for the receiver. The server must run with
// --allow-private-networks.
func (s *server) addWebhookChannel(ctx context.Context, r *receiver) error {
	kind, name := "webhook", "bench"
	_, err := s.api.CreateChannel(ctx, client.ChannelSettings{Kind: &kind, Name: &name, Settings: map[string]any{"url": r.url}})
	if err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	return nil
}

// startWithReceiver starts a server whose only channel sends to a new receiver. The caller
// kills the server and closes the receiver.
func (b *bench) startWithReceiver(ctx context.Context, d dataset, flags ...string) (*target, *receiver, error) {
	r, err := startReceiver()
	if err != nil {
		return nil, nil, err
	}
	t, err := b.start(ctx, d, append(flags, "--allow-private-networks")...)
	if err != nil {
		r.close()
		return nil, nil, err
	}
	if err := t.addWebhookChannel(ctx, r); err != nil {
		t.kill()
		r.close()
		return nil, nil, err
	}
	return t, r, nil
}

// errMissingWebhooks means that webhooks are missing.
var errMissingWebhooks = errors.New("not all webhooks arrived")

// waitFor waits until n webhooks have arrived, at most until the deadline.
func (r *receiver) waitFor(ctx context.Context, n int, deadline time.Time) error {
	for {
		count, _ := r.received()
		switch {
		case count >= n:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%w: %d of %d", errMissingWebhooks, count, n)
		}
		if err := sleepUntil(ctx, time.Now().Add(20*time.Millisecond)); err != nil {
			return err
		}
	}
}
