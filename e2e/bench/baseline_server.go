package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// serveBaseline runs a minimal HTTP server in Go: it answers OK and stores nothing. The
// report compares the throughput of Overdue with it. It prints its address like
// Overdue, and serves until ctx ends.
func serveBaseline(ctx context.Context, errOut io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "OK") // the client detects an incomplete response
		}),
	}
	slog.New(slog.NewJSONHandler(errOut, nil)).Info("serving", "address", listener.Addr().String())
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // Serve then returns ErrServerClosed
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
