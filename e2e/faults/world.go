package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"overdue/client"
	"overdue/internal/store/storetest"
)

// world is one database with its servers, jobs and a receiver of alerts.
type world struct {
	ctx      context.Context
	binary   string
	dir      string
	database string
	postgres *storetest.Postgres // nil for SQLite
	proxy    *proxy              // in front of PostgreSQL
	nodes    []*node
	api      *client.Client
	crowd    *crowd
	receiver *receiver
}

// node is one server process.
type node struct {
	address string
	cmd     *exec.Cmd
	exited  chan struct{}
}

// secretKey encrypts the secrets of the temporary databases.
const secretKey = "a2V5IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZy4="

// start starts the process of a node and waits until it is ready.
func (w *world) start(n *node) error {
	log, err := os.OpenFile(filepath.Join(w.dir, "log-"+strings.ReplaceAll(n.address, ":", "-")), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	n.cmd = exec.Command(w.binary, "serve", "--database", w.database, "--listen", n.address, "--secret-key", secretKey,
		"--allow-private-networks", "--log-format", "json", "--log-level", "info", "--ping-rate-limit", "0")
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	n.exited = make(chan struct{})
	go func() {
		_ = n.cmd.Wait() // how it ended does not matter
		_ = log.Close()
		close(n.exited)
	}()
	for range 300 {
		if status := get(w.ctx, "http://"+n.address+"/readyz"); status == http.StatusOK {
			return nil
		}
		if !sleepUntil(w.ctx, time.Now().Add(100*time.Millisecond)) {
			break
		}
	}
	return fmt.Errorf("server %s is not ready; see %s", n.address, log.Name())
}

// signal sends a signal to a node, and waits for its end if it ends it.
func (n *node) signal(s syscall.Signal) error {
	if err := n.cmd.Process.Signal(s); err != nil {
		return err
	}
	if s == syscall.SIGKILL || s == syscall.SIGTERM {
		<-n.exited
	}
	return nil
}

// get sends a GET request and returns the status, 0 for none.
func get(ctx context.Context, url string) int {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err) // the addresses are ours
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close() // only the status counts
	return resp.StatusCode
}

// freeAddress returns an address with a free port below those of outgoing connections.
func freeAddress() string {
	for port := 20_000 + os.Getpid()%5_000; ; port++ {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close() // it was only a test
			return address
		}
	}
}

// newWorld starts the database, the servers and the receiver, and creates the
// heartbeats.
func newWorld(ctx context.Context, binary, dir string, s scenario) (w *world, err error) {
	w = &world{ctx: ctx, binary: binary, dir: dir, database: filepath.Join(dir, "overdue.db")}
	if s.nodes > 0 {
		if w.postgres, err = storetest.NewPostgres(filepath.Join(dir, "postgres"), false); err != nil {
			return w, err
		}
		if w.proxy, err = newProxy(w.postgres.Socket()); err != nil {
			return w, err
		}
		w.database = w.proxy.database()
	}
	if s.prepare != nil {
		if err := s.prepare(w); err != nil {
			return w, err
		}
	}
	if w.receiver, err = startReceiver(); err != nil {
		return w, err
	}
	for range max(s.nodes, 1) {
		n := &node{address: freeAddress()}
		if err := w.start(n); err != nil {
			return w, err
		}
		w.nodes = append(w.nodes, n)
	}
	return w, w.createHeartbeats()
}

// createHeartbeats creates the channel and the heartbeats of all jobs.
func (w *world) createHeartbeats() error {
	var problems bytes.Buffer
	cmd := exec.CommandContext(w.ctx, w.binary, "api-key", "create", "--name", "faults", "--database", w.database)
	cmd.Stderr = &problems
	key, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("api key: %w: %s", err, problems.String())
	}
	w.api = client.New("http://"+w.nodes[0].address, strings.TrimSpace(string(key)))
	kind, name := "webhook", "faults"
	if _, err := w.api.CreateChannel(w.ctx, client.ChannelSettings{Kind: &kind, Name: &name, Settings: map[string]any{"url": w.receiver.url}}); err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	target := w.nodes[0].address
	if len(w.nodes) > 1 {
		var servers []string
		for _, n := range w.nodes {
			servers = append(servers, n.address)
		}
		b, err := newBalancer(w.ctx, servers)
		if err != nil {
			return err
		}
		target = b.address()
	}
	w.crowd = &crowd{jobs: newJobs(), target: target}
	for _, j := range w.crowd.jobs {
		flapping := "send" // each false alarm is announced, however many there are
		settings := client.HeartbeatSettings{Name: &j.name, Grace: j.grace.String(), FlappingAlerts: &flapping}
		if j.cron {
			settings.Cron = &[]string{"* * * * *"}
		} else {
			settings.Interval = j.interval.String()
		}
		h, err := w.api.CreateHeartbeat(w.ctx, settings)
		if err != nil {
			return fmt.Errorf("heartbeat: %w", err)
		}
		j.id = *h.ID
	}
	return nil
}

// close ends everything.
func (w *world) close() {
	for _, n := range w.nodes {
		select {
		case <-n.exited:
		default:
			_ = n.signal(syscall.SIGCONT) // it may be stopped
			_ = n.signal(syscall.SIGKILL)
		}
	}
	if w.receiver != nil {
		_ = w.receiver.server.Close()
	}
	if w.proxy != nil {
		w.proxy.close()
	}
	if w.postgres != nil {
		_ = w.postgres.Thaw() // it may be stopped
		_ = w.postgres.Kill()
	}
}

// receiver stores the webhooks.
type receiver struct {
	server *http.Server
	url    string
	mu     sync.Mutex
	all    []received
}

// received is one webhook.
type received struct {
	client.Notification
	at time.Time
}

// startReceiver starts a receiver.
func startReceiver() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for webhooks: %w", err)
	}
	r := &receiver{url: "http://" + l.Addr().String() + "/hook"}
	r.server = &http.Server{Handler: http.HandlerFunc(r.handle), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.server.Serve(l) }() // returns after Close
	return r, nil
}

// handle stores a webhook.
func (r *receiver) handle(w http.ResponseWriter, req *http.Request) {
	got := received{at: time.Now()}
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, &got.Notification)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, got)
}

// webhooks returns all webhooks so far.
func (r *receiver) webhooks() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[:len(r.all):len(r.all)]
}
