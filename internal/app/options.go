package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"overdue/internal/httpd"
	"overdue/internal/monitor"
)

// Retention is how long the history is kept.
type Retention = monitor.Retention

// MinPingsPerHeartbeat is the smallest number of pings to keep that is not 0.
const MinPingsPerHeartbeat = monitor.MinPingsPerHeartbeat

// Options are the settings of a server.
type Options struct {
	Listen    string // address to listen on
	Database  string // file, or postgres://…
	SecretKey SecretKey
	PublicURL string // base URL for people and jobs; default: from Listen

	SMTPURL, SMTPFrom    string
	SMTPBounceTo         string // envelope sender; default: SMTPFrom
	SMTPHelo             string // name for EHLO; default: automatic
	SMTPCA               string // PEM file with additional certificate authorities
	TrustedProxies       []netip.Prefix
	AllowPrivateNetworks bool
	AllowNetworks        []netip.Prefix
	ExecDir              string  // folder with the programs that channels can run; empty: none
	PingRateLimit        float64 // per second and source; 0: none
	MaxHeartbeats        int     // of a project; 0: no limit
	Retention            Retention

	MaxConnections           int // of all clients; 0: from the limit of open files
	MaxConnectionsPerAddress int // 0: no limit

	OwnerEmail, OwnerPassword string // the owner to create if there is none; empty: one-time link

	MetricsToken string // required by /metrics; empty: none

	CanaryInterval time.Duration // 0: no canary and no watchdog
	WatchdogURL    string        // to ping after each arrival of the canary; empty: none

	DebugListen string // loopback address that serves profiles; empty: none

	LogLevel, LogFormat string

	Version string
	Out     io.Writer // messages for the operator
	Err     io.Writer // the log
}

// logger returns the log: readable lines on a terminal, otherwise JSON.
func (o Options) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
		level = slog.LevelInfo // the command line rejects other names
	}
	options := &slog.HandlerOptions{Level: level}
	switch {
	case o.LogFormat == "json", o.LogFormat == "auto" && !isTerminal(o.Err):
		options.ReplaceAttr = durationAsText
		return slog.New(slog.NewJSONHandler(o.Err, options))
	case isTerminal(o.Err):
		return slog.New(tint.NewTextHandler(o.Err, &tint.Options{Level: level}))
	}
	return slog.New(slog.NewTextHandler(o.Err, options))
}

// durationAsText writes a duration with its unit, as in the readable log: "5.5ms". By
// itself, JSON has nanoseconds.
func durationAsText(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// clientAddress returns the address of the client that sent a request.
func (o Options) clientAddress(r *http.Request) string {
	return httpd.ClientText(r, o.TrustedProxies)
}

// baseURL returns the base URL of the server that listens on addr, without a
// slash at its end.
func (o Options) baseURL(addr net.Addr) string {
	if o.PublicURL != "" {
		return strings.TrimRight(o.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	if port == "80" {
		return "http://" + host
	}
	return "http://" + net.JoinHostPort(host, port)
}
