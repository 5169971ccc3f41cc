package cli

import (
	"context"
	"time"

	"overdue/internal/app"
)

// backend is everything that the command line needs from the server. Tests replace
// its functions.
type backend struct {
	// serve runs the server until ctx ends.
	serve func(ctx context.Context, f ServerFlags, std Streams) error
	// checkStart returns an error if the server cannot start.
	checkStart func(ctx context.Context, f ServerFlags, std Streams) error
	// listAPIKeys returns the API keys of a project, newest first.
	listAPIKeys func(ctx context.Context, f StoreFlags, project string) ([]app.APIKey, error)
	// createAPIKey returns the new key, which cannot be read again.
	createAPIKey func(ctx context.Context, f StoreFlags, want KeyRequest) (key string, err error)
	// revokeAPIKey revokes the key with a name or id.
	revokeAPIKey func(ctx context.Context, f StoreFlags, project, nameOrID string) error
	// resetLink returns a link that sets a new password, once.
	resetLink func(ctx context.Context, f StoreFlags, base, email string) (link string, err error)
	// signOut ends all sessions of a person and returns their number.
	signOut func(ctx context.Context, f StoreFlags, email string) (n int, err error)
	// pair creates a pair with another server and returns the code for it.
	pair func(ctx context.Context, f StoreFlags, r app.PairRequest) (code string, err error)
	// unpair removes the pair with a server.
	unpair func(ctx context.Context, f StoreFlags, url string) error
	// pairs lists all pairs.
	pairs func(ctx context.Context, f StoreFlags) ([]app.PairStatus, error)
	// backup writes a consistent copy to a new file.
	backup func(ctx context.Context, f StoreFlags, file string) error
	// restore replaces the database with a backup and reports the result on std.Out.
	restore func(ctx context.Context, f StoreFlags, file string, std Streams) error
	// migrate copies everything to another database and reports progress on std.Err.
	migrate func(ctx context.Context, m app.Migration, std Streams) (app.MigrationResult, error)
	// cancelMigration makes a database usable again that was migrated.
	cancelMigration func(ctx context.Context, f StoreFlags) (string, error)
	// createSecretKey writes a new key to a new file.
	createSecretKey func(file string) (id string, err error)
	// changeSecretKey encrypts the secrets in the database with another key.
	changeSecretKey func(ctx context.Context, f StoreFlags, c app.KeyRotation, std Streams) error
	// check reports the result of each check and returns an error if a check failed.
	check func(ctx context.Context, f ServerFlags, std Streams, report func(app.CheckResult)) error
	// repair repairs the database and reports each step.
	repair func(ctx context.Context, f StoreFlags, report func(app.CheckResult)) error
}

// KeyRequest describes an API key to create.
type KeyRequest struct {
	Name     string
	Project  string // empty: the only project
	ReadOnly bool
}

// newBackend connects the command line to the server.
func newBackend() backend {
	return backend{
		serve: func(ctx context.Context, f ServerFlags, std Streams) error { return app.Serve(ctx, f.options(std)) },
		checkStart: func(ctx context.Context, f ServerFlags, std Streams) error {
			return app.CheckStart(ctx, f.options(std))
		},
		listAPIKeys: func(ctx context.Context, f StoreFlags, project string) ([]app.APIKey, error) {
			return app.ListAPIKeys(ctx, string(f.Database), project)
		},
		revokeAPIKey: func(ctx context.Context, f StoreFlags, project, nameOrID string) error {
			return app.RevokeAPIKey(ctx, string(f.Database), project, nameOrID)
		},
		createAPIKey: func(ctx context.Context, f StoreFlags, want KeyRequest) (string, error) {
			return app.CreateAPIKey(ctx, string(f.Database), want.Project, want.Name, want.ReadOnly)
		},
		resetLink: func(ctx context.Context, f StoreFlags, base, email string) (string, error) {
			return app.ResetLink(ctx, string(f.Database), base, email)
		},
		signOut: func(ctx context.Context, f StoreFlags, email string) (int, error) {
			return app.SignOut(ctx, string(f.Database), email)
		},
		pair: func(ctx context.Context, f StoreFlags, r app.PairRequest) (string, error) {
			return app.Pair(ctx, string(f.Database), r)
		},
		unpair: func(ctx context.Context, f StoreFlags, url string) error {
			return app.Unpair(ctx, string(f.Database), url)
		},
		pairs: func(ctx context.Context, f StoreFlags) ([]app.PairStatus, error) {
			return app.Pairs(ctx, string(f.Database))
		},
		backup: func(ctx context.Context, f StoreFlags, file string) error {
			return app.Backup(ctx, string(f.Database), file)
		},
		restore: func(ctx context.Context, f StoreFlags, file string, std Streams) error {
			return app.Restore(ctx, string(f.Database), file, std.Out)
		},
		migrate: func(ctx context.Context, m app.Migration, std Streams) (app.MigrationResult, error) {
			return app.Migrate(ctx, m, std.Err)
		},
		cancelMigration: func(ctx context.Context, f StoreFlags) (string, error) {
			return app.CancelMigration(ctx, string(f.Database))
		},
		createSecretKey: app.CreateSecretKey,
		changeSecretKey: func(ctx context.Context, f StoreFlags, c app.KeyRotation, std Streams) error {
			return app.RotateSecretKey(ctx, string(f.Database), c, std.Out)
		},
		check: func(ctx context.Context, f ServerFlags, std Streams, report func(app.CheckResult)) error {
			return app.Check(ctx, f.options(std), report)
		},
		repair: func(ctx context.Context, f StoreFlags, report func(app.CheckResult)) error {
			return app.Repair(ctx, string(f.Database), report)
		},
	}
}

// options converts the flags to the options of the server.
func (f ServerFlags) options(std Streams) app.Options {
	key, _ := f.secretKey() // the parser has called Validate
	return app.Options{
		SecretKey: key,
		Listen:    f.Listen, Database: string(f.Database), PublicURL: f.PublicURL,
		SMTPURL: string(f.SMTPURL), SMTPFrom: f.SMTPFrom, SMTPBounceTo: f.SMTPBounceTo, SMTPHelo: f.SMTPHelo, SMTPCA: f.SMTPCA,
		TrustedProxies:       f.TrustedProxies,
		AllowPrivateNetworks: f.AllowPrivateNetworks, AllowNetworks: f.AllowNetworks, ExecDir: f.ExecDir, PingRateLimit: f.PingRateLimit,
		MaxConnections: f.MaxConnections, MaxConnectionsPerAddress: f.MaxConnectionsPerAddress,
		MaxHeartbeats: f.MaxHeartbeats, OwnerEmail: f.OwnerEmail, OwnerPassword: string(f.OwnerPassword), MetricsToken: string(f.MetricsToken),
		Retention: app.Retention{
			Pings: time.Duration(f.KeepPings), PingsPerHeartbeat: f.KeepPingsPerHeartbeat, Runs: time.Duration(f.KeepRuns),
			Incidents: time.Duration(f.KeepIncidents), Audit: time.Duration(f.KeepAudit),
		},
		CanaryInterval: f.CanaryInterval, WatchdogURL: string(f.WatchdogURL),
		DebugListen: f.DebugListen, LogLevel: f.LogLevel, LogFormat: f.LogFormat, Version: currentBuild().Version, Out: std.Out, Err: std.Err,
	}
}
