package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// dendrite is the module of the server.
const dendrite = "github.com/matrix-org/dendrite"

// dendriteVersion is the last version of the module.
const dendriteVersion = "v0.13.8"

// startDendrite builds and starts a server with its data in dir. The caller calls stop.
func startDendrite(ctx context.Context, bin, dir string) (home *homeserver, stop func(), err error) {
	for _, program := range []string{"dendrite", "generate-config", "generate-keys"} {
		if _, err := os.Stat(bin + "/" + program); err == nil {
			continue
		}
		install := exec.CommandContext(ctx, "go", "install", dendrite+"/cmd/"+program+"@"+dendriteVersion)
		install.Dir, install.Env = dir, append(os.Environ(), "GOBIN="+bin, "GOFLAGS=-mod=mod")
		if text, err := install.CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("building Dendrite: %w\n%s", err, text)
		}
	}
	if err := exec.CommandContext(ctx, bin+"/generate-keys", "--private-key", dir+"/matrix_key.pem").Run(); err != nil { //nolint:gosec // built above
		return nil, nil, err
	}
	config, err := exec.CommandContext(ctx, bin+"/generate-config", "-server", "localhost", "-dir", dir).Output() //nolint:gosec // built above
	if err != nil {
		return nil, nil, err
	}
	text := strings.NewReplacer("registration_disabled: true", "registration_disabled: false", "disable_federation: false", "disable_federation: true").Replace(string(config))
	if err := os.WriteFile(dir+"/dendrite.yaml", []byte(text), 0o600); err != nil {
		return nil, nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, nil, err
	}
	server := exec.CommandContext(ctx, bin+"/dendrite", "-config", dir+"/dendrite.yaml", "-http-bind-address", address, "-really-enable-open-registration") //nolint:gosec // built above
	server.Dir = dir
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() { _, _ = server.Process.Kill(), server.Wait() } // its data is temporary
	home = &homeserver{url: "http://" + address}
	for range 300 {
		if home.call(ctx, http.MethodGet, "/versions", nil, nil) == nil {
			return home, stop, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	return nil, nil, fmt.Errorf("dendrite does not answer at %s", address)
}

// freeAddress returns an address of the loopback interface that is not used.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// homeserver is a client of the server, which signs in as one account.
type homeserver struct{ url, token string }

// event is a message of a room.
type event struct {
	ID      string `json:"event_id"`
	Content struct {
		Type      string         `json:"msgtype"`
		Body      string         `json:"body"`
		Formatted string         `json:"formatted_body"`
		Mentions  map[string]any `json:"m.mentions"`
		Relation  struct {
			Reply struct {
				ID string `json:"event_id"`
			} `json:"m.in_reply_to"`
		} `json:"m.relates_to"`
	} `json:"content"`
}

// register creates an account and signs in.
func (h *homeserver) register(ctx context.Context, name string) error {
	var answer struct {
		Token string `json:"access_token"`
	}
	err := h.call(ctx, http.MethodPost, "/v3/register", map[string]any{
		"username": name, "password": "a long password", "auth": map[string]any{"type": "m.login.dummy"},
	}, &answer)
	h.token = answer.Token
	return err
}

// createRoom returns the id of a new room.
func (h *homeserver) createRoom(ctx context.Context) (string, error) {
	var answer struct {
		Room string `json:"room_id"`
	}
	err := h.call(ctx, http.MethodPost, "/v3/createRoom", map[string]any{"name": "Alerts"}, &answer)
	return answer.Room, err
}

// messages returns the messages of a room, the oldest first.
func (h *homeserver) messages(ctx context.Context, room string) ([]event, error) {
	var answer struct {
		Chunk []event `json:"chunk"`
	}
	filter := url.QueryEscape(`{"types":["m.room.message"]}`)
	err := h.call(ctx, http.MethodGet, "/v3/rooms/"+url.PathEscape(room)+"/messages?dir=b&limit=50&filter="+filter, nil, &answer)
	slices.Reverse(answer.Chunk)
	return answer.Chunk, err
}

// call calls the client API.
func (h *homeserver) call(ctx context.Context, method, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, h.url+"/_matrix/client"+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read completely
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: status %d, %s (%v)", method, path, resp.StatusCode, text, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
