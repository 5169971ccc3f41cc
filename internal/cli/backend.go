package cli

import (
	"context"
	"runtime/debug"

	"overdue/internal/app"
)

// backend is all that the command line needs of the server. This is the seam:
// tests put functions of their own here.
type backend struct {
	// serve runs the server until ctx ends.
	serve func(ctx context.Context, f ServerFlags, std Streams) error
	// createAPIKey returns the new key, which is shown once and never again.
	createAPIKey func(ctx context.Context, f StoreFlags, want KeyRequest) (key string, err error)
	// resetLink returns a link that sets a new password, once.
	resetLink func(ctx context.Context, f StoreFlags, base, email string) (link string, err error)
	// signOut ends all sessions of a person, and returns how many there were.
	signOut func(ctx context.Context, f StoreFlags, email string) (n int, err error)
	// backup writes a consistent copy to a file that does not exist yet.
	backup func(ctx context.Context, f StoreFlags, file string) error
	// restore replaces the database with a backup and reports the result on std.Out.
	restore func(ctx context.Context, f StoreFlags, file string, std Streams) error
	// createSecretKey writes a new key to a file that does not exist yet.
	createSecretKey func(file string) (id string, err error)
	// changeSecretKey encrypts the secrets in the database with another key.
	changeSecretKey func(ctx context.Context, f StoreFlags, c app.KeyRotation, std Streams) error
	// check writes what it finds to std.Out; an error means that something is wrong.
	check func(ctx context.Context, f ServerFlags, std Streams) error
}

// KeyRequest describes an API key to be made.
type KeyRequest struct {
	Name     string
	Project  string // empty: the only project
	ReadOnly bool
}

// newBackend connects the command line to the server.
func newBackend() backend {
	return backend{
		serve: func(ctx context.Context, f ServerFlags, std Streams) error { return app.Serve(ctx, f.options(std)) },
		createAPIKey: func(ctx context.Context, f StoreFlags, want KeyRequest) (string, error) {
			return app.CreateAPIKey(ctx, string(f.Database), want.Project, want.Name, want.ReadOnly)
		},
		resetLink: func(ctx context.Context, f StoreFlags, base, email string) (string, error) {
			return app.ResetLink(ctx, string(f.Database), base, email)
		},
		signOut: func(ctx context.Context, f StoreFlags, email string) (int, error) {
			return app.SignOut(ctx, string(f.Database), email)
		},
		backup: func(ctx context.Context, f StoreFlags, file string) error {
			return app.Backup(ctx, string(f.Database), file)
		},
		restore: func(ctx context.Context, f StoreFlags, file string, std Streams) error {
			return app.Restore(ctx, string(f.Database), file, std.Out)
		},
		createSecretKey: app.CreateSecretKey,
		changeSecretKey: func(ctx context.Context, f StoreFlags, c app.KeyRotation, std Streams) error {
			return app.RotateSecretKey(ctx, string(f.Database), c, std.Out)
		},
		check: func(ctx context.Context, f ServerFlags, std Streams) error {
			return app.Check(ctx, f.options(std), std.Out)
		},
	}
}

// options hands the flags to the server.
func (f ServerFlags) options(std Streams) app.Options {
	version := "(unknown build)"
	if build, ok := debug.ReadBuildInfo(); ok {
		version = versionOf(build)
	}
	key, _ := f.secretKey() // the parser has called Validate
	return app.Options{
		SecretKey: key,
		Listen:    f.Listen, Database: string(f.Database), PublicURL: f.PublicURL,
		SMTPURL: string(f.SMTPURL), SMTPFrom: f.SMTPFrom, SMTPBounceTo: f.SMTPBounceTo, SMTPHelo: f.SMTPHelo, SMTPCA: f.SMTPCA,
		TrustedProxies:       f.TrustedProxies,
		AllowPrivateNetworks: f.AllowPrivateNetworks, AllowNetworks: f.AllowNetworks, PingRateLimit: f.PingRateLimit,
		MaxConnections: f.MaxConnections, MaxConnectionsPerAddress: f.MaxConnectionsPerAddress,
		MaxHeartbeats: f.MaxHeartbeats, OwnerEmail: f.OwnerEmail, OwnerPassword: string(f.OwnerPassword), MetricsToken: string(f.MetricsToken),
		LogLevel: f.LogLevel, LogFormat: f.LogFormat, Version: version, Out: std.Out, Err: std.Err,
	}
}
