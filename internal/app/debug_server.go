package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"time"
)

// debugHeaderTimeout limits how long a client may take to send its headers. There is no
// limit for responses: a client chooses how long a profile takes.
const debugHeaderTimeout = 10 * time.Second

// debugServer serves profiles to users of this machine.
type debugServer struct {
	server   *http.Server
	listener net.Listener
}

// serveProfiles starts the debug server if it has an address. The returned function
// stops it.
func (o Options) serveProfiles(log *slog.Logger) (stop func(), err error) {
	if o.DebugListen == "" {
		return func() {}, nil
	}
	d, err := startDebugServer(o.DebugListen, log)
	if err != nil {
		return nil, err
	}
	return func() {
		if err := d.close(); err != nil {
			log.Error("debug server failed", "component", "debug", "error", err)
		}
	}, nil
}

// startDebugServer serves profiles on an address, which must be a loopback address:
// profiles reveal parts of the memory and of the source.
func startDebugServer(address string, log *slog.Logger) (*debugServer, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--debug-listen %q: %w; set an address such as 127.0.0.1:6060", address, err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("--debug-listen %q: must be a loopback address, such as 127.0.0.1:6060, because profiles reveal parts of the memory", address)
	}
	listener, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("--debug-listen %q: %w", address, err)
	}
	d := &debugServer{server: &http.Server{Handler: debugHandler(), ReadHeaderTimeout: debugHeaderTimeout}, listener: listener}
	go func() {
		if err := d.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("debug server failed", "component", "debug", "error", err)
		}
	}()
	log.Info("serving profiles", "component", "debug", "address", listener.Addr().String())
	return d, nil
}

// close ends the server and the profiles in progress.
func (d *debugServer) close() error { return d.server.Close() }

// debugHandler serves the profiles of net/http/pprof. It omits the command line, which
// can contain secrets.
func debugHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("GET /debug/pprof/cmdline", http.NotFoundHandler())
	return requireLocalHost(mux)
}

// requireLocalHost rejects requests for other host names: a page in a browser on this
// machine could reach the server under the name of its own site.
func requireLocalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		address, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if host != "localhost" && (err != nil || !address.IsLoopback()) {
			writeText(w, http.StatusForbidden, "use the loopback address of this server, such as 127.0.0.1")
			return
		}
		next.ServeHTTP(w, r)
	})
}
