package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"overdue/internal/app"
	"overdue/internal/cli/settings"
)

// StoreFlags locate the database.
type StoreFlags struct {
	Database settings.Secret `default:"overdue.db" placeholder:"FILE|URL" setting:"file" secret:"" help:"SQLite file, or postgres://… for PostgreSQL. Default: ${default}."`
	Config   string          `placeholder:"FILE" setting:"env" help:"YAML file with settings. Its keys are the names of the flags of overdue serve."`
}

// KeyFlags locate the key that encrypts secrets in the database.
type KeyFlags struct {
	SecretKeyFile string          `placeholder:"FILE" setting:"file" help:"File with the key that encrypts secrets in the database. Required with PostgreSQL. Default with SQLite: NAME.secret-key next to the database, created at the first start."`
	SecretKey     settings.Secret `placeholder:"KEY" setting:"file" help:"The key itself. Other users of this machine can see the command line: prefer the variable."`
}

// secretKey validates the flags and returns the location of the key.
func (f KeyFlags) secretKey() (app.SecretKey, error) {
	if f.SecretKeyFile != "" && f.SecretKey != "" {
		return app.SecretKey{}, errors.New("--secret-key and --secret-key-file exclude each other: set only one of them")
	}
	return app.SecretKey{Text: string(f.SecretKey), File: f.SecretKeyFile}, nil
}

// ServerFlags are all settings of the server.
type ServerFlags struct {
	StoreFlags
	KeyFlags

	Listen    string `default:":8080" placeholder:"ADDRESS" setting:"file" help:"Address to listen on. Default: ${default}."`
	PublicURL string `name:"public-url" placeholder:"URL" setting:"file" help:"Address that people and jobs use. Ping URLs and links begin with it."`

	SMTPURL  settings.Secret `name:"smtp-url" placeholder:"URL" setting:"file" secret:"" help:"Mail server for email channels, smtp://user:password@host:port or smtps://…."`
	SMTPFrom string          `name:"smtp-from" placeholder:"ADDRESS" setting:"file" help:"Sender address of mails."`

	SMTPBounceTo string `name:"smtp-bounce-to" placeholder:"ADDRESS" setting:"file" help:"Address to which undeliverable mails are returned. Default: the sender."`
	SMTPHelo     string `name:"smtp-helo" placeholder:"NAME" setting:"file" help:"Host name to send to the mail server (EHLO); it must contain a dot. Default: the host name of this machine if it contains a dot; then the host of --public-url if it contains a dot; otherwise the address of the connection."`
	SMTPCA       string `name:"smtp-ca" placeholder:"FILE" setting:"file" help:"Certificates (PEM) of authorities to trust for the mail server, in addition to those of this machine."`

	TrustedProxies       []netip.Prefix `placeholder:"NETWORK" setting:"file" help:"Proxies whose X-Forwarded-For header is trusted."`
	AllowPrivateNetworks bool           `setting:"file" help:"Allow alerts to private and local addresses."`
	AllowNetworks        []netip.Prefix `placeholder:"NETWORK" setting:"file" help:"Private networks to which alerts are allowed."`

	ExecDir string `placeholder:"DIR" setting:"file" help:"Folder with the programs that channels of the kind exec can run. Default: none can run."`

	PingRateLimit float64 `default:"10000" placeholder:"N" setting:"file" help:"Maximum number of pings per second from one address; bursts may have twice as many. More are answered with 429. 0: no limit. Default: ${default}."`

	MaxHeartbeats            int `default:"100000" placeholder:"N" setting:"file" help:"Maximum number of heartbeats in a project. 0: no limit. Default: ${default}."`
	MaxConnections           int `default:"0" placeholder:"N" setting:"file" help:"Maximum number of open connections. 0: 10000, or fewer if the limit of open files is low. Default: ${default}."`
	MaxConnectionsPerAddress int `default:"512" placeholder:"N" setting:"file" help:"Maximum number of open connections of one IPv4 address or IPv6 /64, at most half of all. Does not apply to this machine and trusted proxies. 0: no limit. Default: ${default}."`

	KeepPings             settings.Age `default:"90d" placeholder:"AGE" setting:"file" help:"How long pings are kept: days such as 90d, or forever. Default: ${default}."`
	KeepPingsPerHeartbeat int          `default:"1000" placeholder:"N" setting:"file" help:"Number of pings of a heartbeat that are kept, at least 100. 0: all. Default: ${default}."`
	KeepRuns              settings.Age `default:"400d" placeholder:"AGE" setting:"file" help:"How long the run history is kept. Default: ${default}."`
	KeepIncidents         settings.Age `default:"400d" placeholder:"AGE" setting:"file" help:"How long incidents are kept after they were resolved, with their timelines, alerts and delivery attempts. Default: ${default}."`
	KeepAudit             settings.Age `default:"400d" placeholder:"AGE" setting:"file" help:"How long entries of the audit log are kept. Default: ${default}."`

	LogLevel  string `default:"info" enum:"debug,info,warn,error" setting:"file" placeholder:"LEVEL" help:"Least important messages to log: debug, info, warn or error. Default: ${default}."`
	LogFormat string `default:"auto" enum:"auto,text,json" setting:"file" placeholder:"FORMAT" help:"Format of the log: auto, text or json. auto means text on a terminal and json otherwise. Default: ${default}."`

	MetricsToken settings.Secret `placeholder:"TOKEN" setting:"file" secret:"" help:"Bearer token required by /metrics. Without it, anyone can read the metrics."`

	CanaryInterval time.Duration   `default:"2m" placeholder:"DURATION" setting:"file" help:"How often the server tests itself with a heartbeat that it misses on purpose, at least 30s. 0: never, and no watchdog pings. Default: ${default}."`
	WatchdogURL    settings.Secret `name:"watchdog-url" placeholder:"URL" setting:"file" secret:"" help:"Ping URL of another monitoring service. It is pinged after each test that succeeds."`

	DebugListen string `placeholder:"ADDRESS" setting:"file" help:"Loopback address, such as 127.0.0.1:6060, that serves profiles of the process (net/http/pprof). Without it, there are none."`

	OwnerEmail    string          `placeholder:"ADDRESS" setting:"file" help:"Create the owner with this email address at the first start, instead of printing a one-time link."`
	OwnerPassword settings.Secret `placeholder:"PASSWORD" setting:"file" secret:"" help:"Password of that owner. Required with --owner-email."`
}

// Validate checks the values that their types do not check. The parser calls it.
func (f ServerFlags) Validate() error {
	if err := validatePublicURL(f.PublicURL); err != nil {
		return err
	}
	if f.PingRateLimit < 0 {
		return fmt.Errorf("--ping-rate-limit %g: must not be negative", f.PingRateLimit)
	}
	if f.MaxHeartbeats < 0 {
		return fmt.Errorf("--max-heartbeats %d: must not be negative", f.MaxHeartbeats)
	}
	if n := f.KeepPingsPerHeartbeat; n != 0 && n < app.MinPingsPerHeartbeat {
		return fmt.Errorf("--keep-pings-per-heartbeat %d: must be at least %d, or 0 to keep all", n, app.MinPingsPerHeartbeat)
	}
	if f.MaxConnections < 0 {
		return fmt.Errorf("--max-connections %d: must not be negative", f.MaxConnections)
	}
	if f.MaxConnectionsPerAddress < 0 {
		return fmt.Errorf("--max-connections-per-address %d: must not be negative", f.MaxConnectionsPerAddress)
	}
	if f.CanaryInterval != 0 && f.CanaryInterval < minCanaryInterval {
		return fmt.Errorf("--canary-interval %s: must be 0 or at least %s", f.CanaryInterval, minCanaryInterval)
	}
	if err := validateWatchdogURL(string(f.WatchdogURL)); err != nil {
		return err
	}
	if (f.OwnerEmail == "") != (f.OwnerPassword == "") {
		return errors.New("--owner-email and --owner-password: set both or neither")
	}
	_, err := f.secretKey()
	return err
}

// minCanaryInterval leaves time for a round of the canary and for the attempts of the
// watchdog.
const minCanaryInterval = 30 * time.Second

// validateWatchdogURL rejects URLs that cannot be pinged. The error does not contain the
// URL, which allows anyone to ping.
func validateWatchdogURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("--watchdog-url: must begin with http:// or https:// and a host")
	}
	return nil
}

// validatePublicURL rejects URLs that cannot begin ping URLs and links. A path is
// rejected because pages and ping URLs are served at the root of a host.
func validatePublicURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("--public-url %q: must look like https://overdue.example.org", text)
	}
	if strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("--public-url %q: must have no path, because Overdue is served at the root of a host, such as https://overdue.example.org", text)
	}
	return nil
}

// decodeNetwork decodes a network such as 10.0.0.0/8, or a single address.
func decodeNetwork(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("network", &text); err != nil {
		return err
	}
	network, err := netip.ParsePrefix(text)
	if address, single := netip.ParseAddr(text); single == nil {
		network, err = address.Prefix(address.BitLen())
	}
	if err != nil {
		return fmt.Errorf("%q: must be an address or a network such as 10.0.0.0/8", text)
	}
	target.Set(reflect.ValueOf(network.Masked()))
	return nil
}

// serveCmd runs the server.
type serveCmd struct {
	ServerFlags

	DryRun bool `help:"Check the settings, the secret key and the database without starting, and exit. It can run next to a server, and needs the database of an earlier start."`
}

// Help is the long part of --help.
func (serveCmd) Help() string {
	return `Stops cleanly on SIGTERM and SIGINT. On SIGUSR2, restarts in place: if the program in its file can start, it replaces this one in the same process, and no connection is lost. --dry-run makes the same check. SQLite needs no other program; with PostgreSQL, several servers can share a database.

Examples:

    overdue serve
    overdue serve --listen :80 --public-url https://overdue.example.org
    OVERDUE_DATABASE_FILE=/run/secrets/database overdue serve --config /etc/overdue/overdue.yaml`
}

// Run serves until SIGINT or SIGTERM.
func (c *serveCmd) Run(ctx context.Context, std Streams, in backend) error {
	if c.DryRun {
		if err := in.checkStart(ctx, c.ServerFlags, std); err != nil {
			return fmt.Errorf("the server cannot start: %w", err)
		}
		return printLine(std, "The server can start.")
	}
	return in.serve(ctx, c.ServerFlags, std)
}
