// Command demo serves a temporary database with the data of package demo.
//
//	go run ./e2e/demo [-listen ADDRESS]
//
// While it runs, the jobs of the data send their pings. Alerts go to a receiver in this
// process: nothing connects to another machine. The database is deleted at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"overdue/internal/app"
	"overdue/internal/demo"
	"overdue/internal/store"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on; port 0: a free port")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run seeds a database and serves it until ctx ends.
func run(ctx context.Context, listen string, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "overdue-demo")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	receiver, err := demo.StartReceiver()
	if err != nil {
		return err
	}
	defer receiver.Close()
	database := filepath.Join(dir, "overdue.db")
	data, err := seed(ctx, database, receiver.Webhooks)
	if err != nil {
		return err
	}
	if listen, err = freePort(listen); err != nil {
		return err
	}
	fmt.Fprintf(out, "The demo has a month of data of %d heartbeats.\n\n", data.Heartbeats)
	for _, a := range demo.Accounts {
		fmt.Fprintf(out, "  %-8s %-22s password %s\n", a.Role, a.Email, demo.Password)
	}
	fmt.Fprintln(out)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go sendPlanned(ctx, "http://"+listen, data.Planned)
	return app.Serve(ctx, app.Options{
		Listen: listen, Database: database, SMTPURL: receiver.Mail, SMTPFrom: "overdue@example.com", SMTPHelo: "demo.example.com",
		AllowPrivateNetworks: true, CanaryInterval: canaryInterval, LogLevel: "error", LogFormat: "auto", Version: "demo", Out: out, Err: os.Stderr,
	})
}

// canaryInterval is shorter than the default, so that the page Server soon has rounds.
const canaryInterval = 30 * time.Second

// seed fills a new database.
func seed(ctx context.Context, database, receiver string) (data demo.Data, err error) {
	db, err := store.Open(ctx, database)
	if err != nil {
		return data, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return demo.Seed(ctx, db, time.Now(), receiver)
}

// freePort replaces port 0 by the number of a free port.
func freePort(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// sendPlanned sends the pings that are planned for the hours after the start. A ping
// that fails is lost, as the ping of a job would be.
func sendPlanned(ctx context.Context, base string, planned []demo.Planned) {
	for _, p := range planned {
		timer := time.NewTimer(time.Until(p.Ping.At))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		req, err := http.NewRequestWithContext(ctx, p.Ping.Method, base+p.Path(), nil)
		if err != nil {
			continue
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close() // only the request counts
		}
	}
}
