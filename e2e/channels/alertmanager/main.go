// Command alertmanager sends the alerts of a missed heartbeat through a real Alertmanager, and prints what it and its
// receiver get. It restarts the Alertmanager without its data meanwhile. A webhook with a template gets the same alerts.
//
//	go run ./e2e/channels/alertmanager                 installs the package of Debian with apt-get if it is missing
//	go run ./e2e/channels/alertmanager -bin PROGRAM    runs an installed Alertmanager
//
// All programs listen on the loopback interface, with their data in a temporary directory. Not part of the tests: it
// installs a package and takes three minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"overdue/client"
	"overdue/e2e/binary"
)

func main() {
	log.SetFlags(0)
	program := flag.String("bin", "", "program of the Alertmanager; default: that of the package of Debian")
	flag.Parse()
	os.Exit(binary.With(func(overdue string) int {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
		defer cancel()
		if err := run(ctx, overdue, *program); err != nil {
			log.Print(err)
			return 1
		}
		return 0
	}))
}

// run starts all programs and follows one incident.
func run(ctx context.Context, overdue, program string) error {
	dir, err := os.MkdirTemp("", "overdue-alertmanager-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary
	if program == "" {
		if program, err = install(ctx); err != nil {
			return err
		}
	}
	behind, stopBehind, err := startReceiver()
	if err != nil {
		return err
	}
	defer stopBehind()
	templated, stopTemplated, err := startReceiver()
	if err != nil {
		return err
	}
	defer stopTemplated()
	am, err := newAlertmanager(ctx, program, dir, behind.url)
	if err != nil {
		return err
	}
	defer am.kill()
	if err := am.start(ctx); err != nil {
		return err
	}
	database := filepath.Join(dir, "overdue.db")
	server, err := binary.Serve(overdue, "--database", database, "--listen", "127.0.0.1:0", "--allow-private-networks")
	if err != nil {
		return err
	}
	defer server.Kill()
	key, err := exec.CommandContext(ctx, overdue, "api-key", "create", "--name", "alertmanager", "--database", database).Output() //nolint:gosec // built by binary
	if err != nil {
		return fmt.Errorf("API key: %w", err)
	}
	api := client.New("http://"+server.Address, strings.TrimSpace(string(key)))
	ping, err := create(ctx, api, server.Address, am.url, templated.url)
	if err != nil {
		return err
	}
	if err := follow(ctx, am, ping); err != nil {
		return err
	}
	return errors.Join(behind.check("its receiver", `"status":"firing"`, `"status":"resolved"`), templated.check("the template", "DOWN: Nightly backup", "UP: Nightly backup"))
}

// template is the body of the webhook.
const template = `{{if eq .event "incident.resolved"}}UP{{else if .incident}}DOWN{{else}}{{.event}}{{end}}: {{if .heartbeat}}{{.heartbeat.name}}{{end}}`

// create creates the channels and the heartbeat, and returns the URL that pings it.
func create(ctx context.Context, api *client.Client, address, alertmanager, webhook string) (ping string, err error) {
	for _, c := range []struct {
		kind string
		set  map[string]any
	}{
		{"alertmanager", map[string]any{"url": alertmanager, "labels": map[string]any{"team": "ops"}}},
		{"webhook", map[string]any{"url": webhook, "body": template}},
	} {
		channel, err := api.CreateChannel(ctx, client.ChannelSettings{Kind: &c.kind, Name: &c.kind, Settings: c.set})
		if err != nil {
			return "", fmt.Errorf("channel %s: %w", c.kind, err)
		}
		result, err := api.TestChannel(ctx, channel.ID)
		if err != nil || !result.Delivered {
			return "", fmt.Errorf("test alert to %s: %w, %+v", c.kind, err, result)
		}
	}
	name := "Nightly backup"
	h, err := api.CreateHeartbeat(ctx, client.HeartbeatSettings{Name: &name, Interval: 5, Grace: 5})
	if err != nil {
		return "", fmt.Errorf("heartbeat: %w", err)
	}
	return "http://" + address + "/api/v1/hb/" + *h.ID, nil
}

// maxReturn is the maximum time until an Alertmanager without data has the alert again: open incidents are sent each minute.
const maxReturn = 70 * time.Second

// follow lets the heartbeat fail and recover.
func follow(ctx context.Context, am *alertmanager, ping string) error {
	if err := post(ctx, ping); err != nil {
		return err
	}
	started := time.Now()
	if err := am.wait(ctx, 1, 20*time.Second); err != nil {
		return fmt.Errorf("after the missed deadline: %w", err)
	}
	fmt.Printf("%3.0f s after the last ping (interval 5 s, grace 5 s): the alert is active\n", time.Since(started).Seconds())
	am.kill()
	if err := os.RemoveAll(am.data); err != nil {
		return err
	}
	if err := am.start(ctx); err != nil {
		return err
	}
	restarted := time.Now()
	if err := am.wait(ctx, 0, time.Second); err != nil {
		return fmt.Errorf("after a restart without data: %w", err)
	}
	if err := am.wait(ctx, 1, maxReturn); err != nil {
		return fmt.Errorf("after a restart without data: %w", err)
	}
	fmt.Printf("%3.0f s after the Alertmanager lost its data: the alert is active again\n", time.Since(restarted).Seconds())
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(time.Second) {
		if err := am.wait(ctx, 1, time.Second); err != nil {
			return fmt.Errorf("while the incident is open: %w", err)
		}
	}
	fmt.Println("  it stays active for two minutes")
	if err := post(ctx, ping); err != nil {
		return err
	}
	recovered := time.Now()
	if err := am.wait(ctx, 0, 20*time.Second); err != nil {
		return fmt.Errorf("after the recovery: %w", err)
	}
	fmt.Printf("%3.0f s after a ping: the alert is resolved\n", time.Since(recovered).Seconds())
	time.Sleep(8 * time.Second) // for the group interval of the receiver
	return post(ctx, ping)
}

// post sends a ping.
func post(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // the status says all
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ping: status %d", resp.StatusCode)
	}
	return nil
}
