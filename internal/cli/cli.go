// Package cli is the command line: the commands, their flags, the sources of
// settings, and the exit codes.
//
// It is the only place that knows the command line parser. It contains no rules of
// the product: it calls the server through one small struct (see backend), and
// everything else through package client.
//
// Rules for every command:
//
//   - Exit code 0 means success, 1 failure, 2 a usage error. "run" exits with the
//     exit code of its command instead.
//   - A flag overrides the environment, which overrides the configuration file,
//     which overrides the default. An unknown setting is an error that names it, so
//     a typo never silently means the default. "run" only warns: a job must not
//     fail because of the monitor.
//   - A flag that was given is never ignored: an optional flag whose zero value is a
//     possible mistake is a pointer, and an empty text is an error (see rejectEmptyFlags).
//   - Standard output contains the result and nothing else, so that it can be
//     piped. Messages go to standard error.
//   - Every list and create command has --json.
//   - Errors name flags and addresses, not members of the API (see explainRequest).
//   - Secrets are never printed. The id in a ping URL is one of them: standard error
//     of a job ends up in mails and logs.
//
// Sources of a setting, in the order in which they are asked:
//
//	--smtp-url  →  OVERDUE_SMTP_URL        →  smtp-url:      →  default
//	               OVERDUE_SMTP_URL_FILE      in the --config
//	               (secrets only)             file
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"overdue/internal/cli/completion"
	"overdue/internal/cli/settings"
	"overdue/internal/runjob"
)

// Streams are the standard streams of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes of every command but run.
const (
	exitFailure = 1
	exitUsage   = 2
)

// commandLine is the grammar of the whole command line.
type commandLine struct {
	ShowVersion versionFlag `name:"version" short:"v" help:"Print the version."`

	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Heartbeats  heartbeatsCmd  `cmd:"" help:"Manage heartbeats through the API."`
	Incidents   incidentsCmd   `cmd:"" help:"List, acknowledge and annotate incidents through the API."`
	Blackouts   blackoutsCmd   `cmd:"" help:"List the times in which Overdue itself was not watching, through the API."`
	Channels    channelsCmd    `cmd:"" help:"Manage channels through the API."`
	Policies    policiesCmd    `cmd:"" help:"Manage alert policies through the API."`
	Maintenance maintenanceCmd `cmd:"" help:"Manage maintenance windows through the API."`
	Ping        pingCmd        `cmd:"" help:"Send one ping, with retries."`
	Run         runCmd         `cmd:"" help:"Run a command between two pings."`
	Discover    discoverCmd    `cmd:"" help:"Find the jobs of this machine and create heartbeats for them."`
	Schedule    scheduleCmd    `cmd:"" help:"Show when a cron line or calendar expression is due, without a server."`
	APIKey      apiKeyCmd      `cmd:"" name:"api-key" help:"Manage API keys, directly in the database."`
	Person      personCmd      `cmd:"" help:"Help people who cannot sign in, directly in the database."`
	SecretKey   secretKeyCmd   `cmd:"" name:"secret-key" help:"Create and rotate the key that encrypts secrets in the database."`
	Pair        pairCmd        `cmd:"" help:"Let two servers watch each other, directly in the database."`
	Backup      backupCmd      `cmd:"" help:"Copy the database, also while the server runs."`
	Restore     restoreCmd     `cmd:"" help:"Replace the database with a backup."`
	Migrate     migrateCmd     `cmd:"" help:"Move everything to another database: from SQLite to PostgreSQL, or back."`
	Check       checkCmd       `cmd:"" help:"Check the settings, the database and the channels."`
	Health      healthCmd      `cmd:"" help:"Ask the server on this machine whether it is ready, for health checks of containers."`
	Completion  completionCmd  `cmd:"" help:"Print the completion script of a shell."`
	Man         manCmd         `cmd:"" help:"Print or write manual pages."`
	Help        helpCmd        `cmd:"" help:"Show the help of a command."`
	Version     versionCmd     `cmd:"" help:"Print the version."`

	Forward  forwardOutputCmd `cmd:"" name:"forward-output" hidden:"" help:"Pass on the output of background processes of a job. Only run starts it."`
	Complete completeCmd      `cmd:"" name:"__complete" hidden:"" passthrough:"" help:"Print the candidates for a word. Only completion scripts run it."`
}

const description = `A self-hosted heartbeat monitor: jobs ping it, and it notifies people if a ping does not arrive.

The value of a setting comes from its flag; if that is not set, from its environment variable; otherwise from the file that --config names.`

// Main runs the command line in args and returns the exit code. It reads settings
// from the environment of the process. If a signal ended the command of "run", the
// same signal ends this process.
func Main(args []string, std Streams) int {
	err := execute(args, std, newBackend())
	code := reportError(std, err)
	var o *exitError
	if errors.As(err, &o) && o.signal != 0 {
		runjob.KillSelf(o.signal)
	}
	return code
}

// runWith is Main with another backend, for tests.
func runWith(args []string, std Streams, server backend) int {
	return reportError(std, execute(args, std, server))
}

// execute runs the command line in args.
func execute(args []string, std Streams, server backend) error {
	printed := false // help or the version, which end the command
	parser, err := newParser(std, func(int) { printed = true })
	if err != nil {
		return err
	}
	if len(args) == 0 {
		_, _ = parser.Parse([]string{"--help"}) // no command is an error that the help explains
		return &exitError{code: exitUsage}
	}
	parsed, err := parser.Parse(addMissingTarget(parser.Model, args))
	switch {
	case printed: // the parser continues after --help and reports what is missing
		return nil
	case err != nil:
		return parseError(parser, err)
	}
	if err := rejectEmptyFlags(parsed); err != nil {
		return err
	}
	ctx, stop := signalContext()
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return explainRequest(parsed.Selected(), parsed.Run(server))
}

// signalContext returns a context that ends with the first SIGINT or SIGTERM. The
// second one ends the process. An ignored SIGINT stays ignored.
func signalContext() (context.Context, context.CancelFunc) {
	signals := []os.Signal{syscall.SIGTERM}
	if !signal.Ignored(os.Interrupt) {
		signals = append(signals, os.Interrupt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// newParser returns the parser of the command line. It calls exit after it has
// printed help or the version; exit must return, so that only main ends the process.
func newParser(std Streams, exit func(int)) (*kong.Kong, error) {
	return kong.New(&commandLine{},
		kong.Name("overdue"),
		kong.Description(description),
		kong.Writers(std.Out, std.Err),
		kong.Exit(exit),
		kong.Bind(std),
		kong.PostBuild(func(k *kong.Kong) error {
			k.Model.HelpFlag.Help = "Show this help."
			return nil
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		fieldHelp(),
		kong.ValueFormatter(settings.Help),
		kong.TypeMapper(reflect.TypeFor[netip.Prefix](), kong.MapperFunc(decodeNetwork)),
	)
}

// BeforeResolve adds the source of settings to the parser, which calls it as soon as
// the command is known.
func (c *commandLine) BeforeResolve(ctx *kong.Context, std Streams) error {
	// A typo in the environment must not stop a job or a completion.
	selected := ctx.Selected()
	unknownAllowed := selected != nil && (selected.Name == "run" || selected.Name == completion.Command)
	resolver, err := settings.NewResolver(ctx, unknownAllowed, func(format string, args ...any) { warn(std, format, args...) })
	if err != nil {
		return err
	}
	ctx.AddResolver(resolver)
	ctx.Bind(resolver)
	return nil
}

// parseError adds the command whose help explains an error of the parser.
func parseError(parser *kong.Kong, err error) error {
	where := parser.Model.Name
	var bad *kong.ParseError
	if errors.As(err, &bad) && bad.Context != nil {
		if node := bad.Context.Selected(); node != nil {
			where = node.FullPath()
		}
	}
	// Flags without a default have the empty value, too, which is not for users.
	text := strings.Replace(err.Error(), `must be one of "",`, "must be one of ", 1)
	return usageError("%s\nRun \"%s --help\" for usage.", text, where)
}

// exitError is an error with an exit code. Without err it prints nothing.
type exitError struct {
	code   int
	signal syscall.Signal // that ended the command of "run"; 0 if none did
	err    error
}

func (o *exitError) Error() string {
	if o.err == nil {
		return ""
	}
	return o.err.Error()
}

func (o *exitError) Unwrap() error { return o.err }

// usageError returns the error of an invalid flag, argument or setting.
func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// reportError prints an error and returns the exit code.
func reportError(std Streams, err error) int {
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		warn(std, "%s", text)
	}
	var o *exitError
	if errors.As(err, &o) {
		return o.code
	}
	return exitFailure
}

// warn writes a line to standard error that begins with the name of the program.
func warn(std Streams, format string, args ...any) {
	_, _ = fmt.Fprintf(std.Err, "overdue: "+format+"\n", args...) // there is no other place for a message
}
