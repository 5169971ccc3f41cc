package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/cli/settings"
	"overdue/internal/monitor"

	"github.com/google/go-cmp/cmp"
)

// day is a day as the settings contain it.
const day = settings.Age(24 * time.Hour)

// parseServe parses a serve command and returns the settings that the server gets.
func parseServe(t *testing.T, args ...string) (ServerFlags, commandResult) {
	t.Helper()
	var flags ServerFlags
	in := backend{serve: func(_ context.Context, f ServerFlags, _ Streams) error {
		flags = f
		return nil
	}}
	return flags, runOverdue(in, append([]string{"serve"}, args...)...)
}

// writeFile makes a file and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettings_FlagOverridesEnvironmentOverridesFileOverridesDefault(t *testing.T) {
	listen := func(args ...string) string {
		t.Helper()
		f, got := parseServe(t, args...)
		if got.code != 0 {
			t.Fatalf("%v: %+v", args, got)
		}
		return f.Listen
	}
	if got := listen(); got != ":8080" {
		t.Errorf("default: %q", got)
	}
	file := "--config=" + writeFile(t, "o.yaml", "listen: file:1\n")
	if got := listen(file); got != "file:1" {
		t.Errorf("file: %q", got)
	}
	t.Setenv("OVERDUE_LISTEN", "env:1")
	if got := listen(file); got != "env:1" {
		t.Errorf("environment over file: %q", got)
	}
	if got := listen(file, "--listen", "flag:1"); got != "flag:1" {
		t.Errorf("flag over environment: %q", got)
	}
	t.Setenv("OVERDUE_LISTEN", "")
	if got := listen(file); got != "file:1" {
		t.Errorf("an empty variable counts as none: %q", got)
	}
}

func TestSettings_EachSettingWorksFromEachSource(t *testing.T) {
	want := ServerFlags{
		StoreFlags: StoreFlags{Database: "postgres://u:p@h/d"}, Listen: ":1", PublicURL: "https://o.example.org/",
		SMTPURL: "smtp://u:p@h:25", SMTPFrom: "o@example.org", SMTPBounceTo: "b@example.org", SMTPHelo: "o.example.org", SMTPCA: "/ca.pem",
		TrustedProxies:       []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")},
		AllowPrivateNetworks: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("192.168.1.1/32")},
		PingRateLimit: 2.5, MaxHeartbeats: 7, MaxConnections: 900, MaxConnectionsPerAddress: 90, KeepPings: 30 * day, KeepPingsPerHeartbeat: 500, KeepRuns: 14 * day, KeepAudit: day, LogLevel: "debug", LogFormat: "json", DebugListen: "127.0.0.1:6060", OwnerEmail: "me@example.org", OwnerPassword: "pa,ss", MetricsToken: "to,ken",
		CanaryInterval: 5 * time.Minute, WatchdogURL: "https://w.example.org/ping/1,2",
	}
	values := map[string]string{
		"database": "postgres://u:p@h/d", "listen": ":1", "public-url": "https://o.example.org/",
		"smtp-url": "smtp://u:p@h:25", "smtp-from": "o@example.org", "smtp-bounce-to": "b@example.org", "smtp-helo": "o.example.org", "smtp-ca": "/ca.pem", "trusted-proxies": "10.1.2.3/8,fd00::1",
		"allow-private-networks": "true", "allow-networks": "192.168.1.1", "ping-rate-limit": "2.5", "max-heartbeats": "7", "max-connections": "900", "max-connections-per-address": "90",
		"keep-pings": "30d", "keep-pings-per-heartbeat": "500", "keep-runs": "2w", "keep-incidents": "forever", "keep-audit": "24h",
		"log-level": "debug", "log-format": "json", "debug-listen": "127.0.0.1:6060", "owner-email": "me@example.org", "owner-password": "pa,ss", "metrics-token": "to,ken",
		"canary-interval": "5m", "watchdog-url": "https://w.example.org/ping/1,2",
	}
	same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	check := func(t *testing.T, want ServerFlags, args ...string) {
		t.Helper()
		got, res := parseServe(t, args...)
		if diff := cmp.Diff(want, got, same); diff != "" || res.code != 0 {
			t.Errorf("%+v; settings (-want +got):\n%s", res, diff)
		}
	}
	var text strings.Builder
	args := []string{}
	for name, value := range values {
		args = append(args, "--"+name+"="+value)
		if strings.HasSuffix(name, "networks") || strings.HasSuffix(name, "proxies") {
			value = "[" + strings.ReplaceAll(value, ",", ", ") + "]"
		}
		fmt.Fprintf(&text, "%s: %s\n", name, value)
	}
	t.Run("flags", func(t *testing.T) { check(t, want, args...) })
	t.Run("file", func(t *testing.T) {
		path := writeFile(t, "o.yaml", strings.Replace(text.String(), "[true]", "true", 1))
		inFile := want
		inFile.Config = path
		check(t, inFile, "--config", path)
	})
	t.Run("environment", func(t *testing.T) {
		for name, value := range values {
			t.Setenv(settings.Variable(name), value)
		}
		check(t, want)
	})
	t.Run("secret files", func(t *testing.T) {
		for _, name := range []string{"database", "smtp-url", "owner-password", "metrics-token", "watchdog-url"} {
			t.Setenv(settings.Variable(name)+"_FILE", writeFile(t, name, values[name]+"\n"))
		}
		got, res := parseServe(t, "--owner-email", "me@example.org")
		if got.Database != want.Database || got.SMTPURL != want.SMTPURL || got.OwnerPassword != want.OwnerPassword || got.MetricsToken != want.MetricsToken || got.WatchdogURL != want.WatchdogURL {
			t.Errorf("%+v: secrets were not read", res)
		}
	})
}

func TestSettings_EnvironmentCanNameTheConfigFile(t *testing.T) {
	t.Setenv("OVERDUE_CONFIG", writeFile(t, "o.yaml", "listen: file:1\n"))
	if f, res := parseServe(t); f.Listen != "file:1" {
		t.Errorf("listen %q, %+v", f.Listen, res)
	}
	other := writeFile(t, "other.yaml", "listen: other:1\n")
	if f, res := parseServe(t, "--config", other); f.Listen != "other:1" {
		t.Errorf("flag over environment: listen %q, %+v", f.Listen, res)
	}
	// A client command takes no file, so it does not stumble over a broken one.
	t.Setenv("OVERDUE_CONFIG", "/nowhere.yaml")
	if res := runOverdue(backend{}, "version"); res.code != 0 {
		t.Errorf("version: %+v", res)
	}
}

func TestSettings_UnknownVariableIsAnErrorWithASuggestion(t *testing.T) {
	for name, want := range map[string]string{
		"OVERDUE_LISTN":        "environment variable OVERDUE_LISTN: unknown; did you mean OVERDUE_LISTEN?",
		"OVERDUE_SMTP_URI":     "did you mean OVERDUE_SMTP_URL?",
		"OVERDUE_APIKEY_FILE":  "did you mean OVERDUE_API_KEY_FILE?",
		"OVERDUE_LISTEN_FILE":  "did you mean OVERDUE_LISTEN?",
		"OVERDUE_START":        "environment variable OVERDUE_START: unknown",
		"OVERDUE_CONFIG_FILE":  "did you mean OVERDUE_CONFIG?",
		"OVERDUE_public_url":   "environment variable OVERDUE_public_url: unknown",
		"OVERDUE_Q":            "environment variable OVERDUE_Q: unknown\n",
		"OVERDUE_SMTP_URL_FIL": "did you mean OVERDUE_SMTP_URL_FILE?",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "x")
			if _, got := parseServe(t); got.code != 2 || !strings.Contains(got.err, want) {
				t.Errorf("%+v; want exit code 2 and %q", got, want)
			}
		})
	}
}

func TestSettings_AcceptsSettingsOfOtherCommands(t *testing.T) {
	for _, name := range []string{"OVERDUE_URL", "OVERDUE_API_KEY", "OVERDUE_API_KEY_FILE", "OVERDUE_OWNER_EMAIL", "OVERDUE_OWNER_PASSWORD_FILE"} {
		t.Setenv(name, "x")
	}
	if got := runOverdue(backend{}, "version"); got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestSettings_InvalidValueNamesItsSource(t *testing.T) {
	t.Setenv("OVERDUE_PING_RATE_LIMIT", "many")
	if _, got := parseServe(t); got.code != 2 || !strings.Contains(got.err, "OVERDUE_PING_RATE_LIMIT: ") {
		t.Errorf("%+v; want the variable named", got)
	}
	t.Setenv("OVERDUE_PING_RATE_LIMIT", "")
	path := writeFile(t, "o.yaml", "listen: :1\nping-rate-limit: many\n")
	if _, got := parseServe(t, "--config", path); got.code != 2 || !strings.Contains(got.err, "o.yaml:2: ping-rate-limit: ") {
		t.Errorf("%+v; want file, line and key named", got)
	}
}

func TestSettings_SecretComesFromOneReadableSource(t *testing.T) {
	t.Setenv("OVERDUE_SMTP_URL_FILE", filepath.Join(t.TempDir(), "absent"))
	if _, got := parseServe(t); got.code != 2 || !strings.Contains(got.err, "OVERDUE_SMTP_URL_FILE: ") {
		t.Errorf("%+v; want the variable that points nowhere", got)
	}
	t.Setenv("OVERDUE_SMTP_URL", "smtp://secret@h")
	if _, got := parseServe(t); got.code != 2 || !strings.Contains(got.err, "exclude each other") || strings.Contains(got.err, "secret@") {
		t.Errorf("%+v; want both named and the secret not shown", got)
	}
}

func TestReadConfig_ErrorNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"listen: :1\nlistne: :2\n":     "o.yaml:2: key listne: unknown; did you mean listen?",
		"listen: :1\nlisten: :2\n":     "o.yaml:2: key listen: set twice",
		"config: other.yaml\n":         "o.yaml:1: key config: unknown",
		"url: https://o\n":             "o.yaml:1: key url: unknown",
		"smtp:\n  url: x\n":            "o.yaml:1: key smtp: unknown",
		"listen:\n  port: 1\n":         "o.yaml:1: key listen: must be a value or a list of values",
		"trusted-proxies: [[1.2.3.4]]": "o.yaml:1: key trusted-proxies: must be a list of plain values",
		"- listen\n":                   "o.yaml:1: must be a mapping",
		"listen: [\n":                  "configuration file ",
	} {
		if _, got := parseServe(t, "--config", writeFile(t, "o.yaml", text)); got.code != 2 || !strings.Contains(got.err, want) {
			t.Errorf("%q: %+v; want exit code 2 and %q", text, got, want)
		}
	}
	if _, got := parseServe(t, "--config", "/nowhere.yaml"); got.code != 2 || !strings.Contains(got.err, "/nowhere.yaml") {
		t.Errorf("no file: %+v", got)
	}
}

func TestReadConfig_EmptyFileAndEmptyKeyMeanTheDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "listen:\n", "listen: ~\n"} {
		if f, got := parseServe(t, "--config", writeFile(t, "o.yaml", text)); got.code != 0 || f.Listen != ":8080" {
			t.Errorf("%q: listen %q, %+v", text, f.Listen, got)
		}
	}
}

func TestSecret_IsMaskedInEveryFormat(t *testing.T) {
	f := ServerFlags{SMTPURL: "smtp://u:hush@h", StoreFlags: StoreFlags{Database: "postgres://u:hush@h"}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "mail", f.SMTPURL)
	for _, shown := range []string{fmt.Sprint(f), fmt.Sprintf("%+v", f), fmt.Sprintf("%#v", f), fmt.Sprintf("%q", f.SMTPURL), log.String()} {
		if strings.Contains(shown, "hush") || !strings.Contains(shown, "•") {
			t.Errorf("shows %s", shown)
		}
	}
	if settings.Secret("").String() != "" {
		t.Error("an empty secret looks like one")
	}
}

func TestExposedSecrets_NamesSecretsThatOthersCanRead(t *testing.T) {
	config := func(mode os.FileMode, text string) string {
		path := writeFile(t, "o.yaml", text)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return "--config=" + path
	}
	for name, c := range map[string]struct {
		args []string
		want string // in a warning; empty: none is given
	}{
		"a password on the command line":  {[]string{"--owner-email", "a@example.org", "--owner-password", "correct horse battery"}, "--owner-password: other users"},
		"a mail server with a password":   {[]string{"--smtp-url", "smtps://u:p@mail.example.org"}, "OVERDUE_SMTP_URL_FILE"},
		"a mail server without one":       {[]string{"--smtp-url", "smtp+insecure://localhost:25"}, ""},
		"a database with a password":      {[]string{"--database", "postgres://u:p@h/d"}, "OVERDUE_DATABASE_FILE"},
		"a password among the parameters": {[]string{"--database", "postgres://h/d?user=u&password=p"}, "OVERDUE_DATABASE_FILE"},
		"a database without one":          {[]string{"--database", "postgres://u@h/d"}, ""},
		"a database file":                 {[]string{"--database", "/var/lib/overdue/data"}, ""},
		"a file that everyone can read":   {[]string{config(0o644, "smtp-url: smtps://u:p@mail.example.org\nlisten: ':1'\n")}, "it contains smtp-url; run chmod o-r"},
		"a file for the group":            {[]string{config(0o640, "smtp-url: smtps://u:p@mail.example.org\n")}, ""},
		"a file without secrets":          {[]string{config(0o644, "listen: ':1'\n")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := parseServe(t, c.args...)
			if got.code != 0 || c.want == "" && got.err != "" || !strings.Contains(got.err, c.want) {
				t.Errorf("%+v; want a warning with %q", got, c.want)
			}
			if strings.Contains(got.err, "u:p@") || strings.Contains(got.err, "correct horse") {
				t.Errorf("the warning contains the secret: %s", got.err)
			}
		})
	}
	t.Run("from the environment", func(t *testing.T) {
		t.Setenv("OVERDUE_SMTP_URL", "smtps://u:p@mail.example.org")
		if _, got := parseServe(t); got.err != "" {
			t.Errorf("%+v; want no warning", got)
		}
	})
}

func TestSettings_RetentionHasDefaultsAndMinima(t *testing.T) {
	f, got := parseServe(t)
	if got.code != 0 || f.options(Streams{}).Retention != monitor.DefaultRetention {
		t.Errorf("default retention %+v, %+v; want %+v", f.options(Streams{}).Retention, got, monitor.DefaultRetention)
	}
	if _, got := parseServe(t, "--keep-pings-per-heartbeat=0", "--keep-pings=0", "--keep-audit=forever"); got.code != 0 {
		t.Errorf("unlimited: %+v", got)
	}
	for flag, want := range map[string]string{
		"--keep-pings=1h": "at least 1d", "--keep-incidents=soon": "a number of days such as 90d", "--keep-pings-per-heartbeat=99": "at least 100",
		"--keep-pings-per-heartbeat=-1": "at least 100",
	} {
		if _, got := parseServe(t, flag); got.code == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v; want an error with %q", flag, got, want)
		}
	}
	t.Setenv("OVERDUE_KEEP_RUNS", "3h")
	if _, got := parseServe(t); got.code == 0 || !strings.Contains(got.err, "OVERDUE_KEEP_RUNS") {
		t.Errorf("%+v; want an error that names the variable", got)
	}
}
