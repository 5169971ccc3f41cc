package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// install installs the package of Debian if it is missing, and returns its program.
func install(ctx context.Context) (program string, err error) {
	const name = "prometheus-alertmanager"
	if program, err = exec.LookPath(name); err == nil {
		return program, nil
	}
	fmt.Println("installing " + name + " with apt-get")
	if text, err := exec.CommandContext(ctx, "apt-get", "install", "--yes", "--no-install-recommends", name).CombinedOutput(); err != nil {
		return "", fmt.Errorf("install %s: %w\n%s", name, err, text)
	}
	return exec.LookPath(name)
}

// alertmanager is an Alertmanager that can be started several times.
type alertmanager struct {
	program, config, data, address, url string

	running *exec.Cmd
}

// newAlertmanager writes the configuration of an Alertmanager whose receiver is a webhook.
func newAlertmanager(ctx context.Context, program, dir, webhook string) (*alertmanager, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	version, err := exec.CommandContext(ctx, program, "--version").Output() //nolint:gosec // chosen by the caller
	if err != nil {
		return nil, err
	}
	fmt.Println(strings.SplitN(string(version), "\n", 2)[0])
	a := &alertmanager{program: program, config: filepath.Join(dir, "alertmanager.yml"), data: filepath.Join(dir, "alertmanager"), address: address, url: "http://" + address}
	config := "route:\n  receiver: hook\n  group_by: [incident]\n  group_wait: 1s\n  group_interval: 5s\nreceivers:\n- name: hook\n  webhook_configs:\n  - url: " + webhook + "\n"
	return a, os.WriteFile(a.config, []byte(config), 0o600)
}

// start starts the Alertmanager and waits until it is ready.
func (a *alertmanager) start(ctx context.Context) error {
	a.running = exec.CommandContext(ctx, a.program, "--config.file", a.config, "--storage.path", a.data, "--web.listen-address", a.address, "--cluster.listen-address", "", "--log.level", "error") //nolint:gosec // chosen by the caller
	a.running.Stderr = os.Stderr
	if err := a.running.Start(); err != nil {
		return err
	}
	return a.wait(ctx, -1, 20*time.Second)
}

// kill kills the Alertmanager.
func (a *alertmanager) kill() {
	if a.running != nil {
		_, _ = a.running.Process.Kill(), a.running.Wait() // its data is temporary
	}
}

// wait waits until n alerts are active, or any number if n is negative.
func (a *alertmanager) wait(ctx context.Context, n int, patience time.Duration) error {
	var alerts []struct{ Labels map[string]string }
	var err error
	for until := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if err = a.active(ctx, &alerts); err == nil && (n < 0 || len(alerts) == n) {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("%d alerts are active; want %d (%w)", len(alerts), n, err)
		}
	}
}

// active reads the active alerts.
func (a *alertmanager) active(ctx context.Context, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/api/v2/alerts?active=true", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read completely
	return json.NewDecoder(resp.Body).Decode(into)
}

// receiver records the bodies of requests.
type receiver struct {
	url string

	mu     sync.Mutex
	bodies []string
}

// startReceiver starts a receiver on the loopback interface.
func startReceiver() (r *receiver, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	r = &receiver{url: "http://" + listener.Addr().String() + "/"}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body) // a cut body does not contain what check looks for
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies = append(r.bodies, string(body))
	})}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return r, func() { _ = server.Close() }, nil
}

// check prints the bodies and looks for texts, in their order.
func (r *receiver) check(name string, texts ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, body := range r.bodies {
		fmt.Printf("\n--- %s got\n%s\n", name, body)
		if len(texts) > 0 && strings.Contains(body, texts[0]) {
			texts = texts[1:]
		}
	}
	if len(texts) > 0 {
		return fmt.Errorf("%s did not get %s", name, texts[0])
	}
	return nil
}
