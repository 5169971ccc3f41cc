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
	"syscall"

	"github.com/alecthomas/kong"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes of every command but run.
const (
	exitFailure = 1
	exitUsage   = 2
)

// commandLine is the whole command line.
type commandLine struct {
	Serve      serveCmd         `cmd:"" help:"Run the server."`
	APIKey     apiKeyCmd        `cmd:"" name:"api-key" help:"Make API keys, directly in the database."`
	Person     personCmd        `cmd:"" help:"Help people who cannot sign in, directly in the database."`
	Ping       pingCmd          `cmd:"" help:"Send one ping, with retries."`
	Run        runCmd           `cmd:"" help:"Run a command and ping when it starts and ends."`
	Heartbeats heartbeatsCmd    `cmd:"" help:"List, create, pause, resume and delete heartbeats."`
	Schedule   scheduleCmd      `cmd:"" help:"Say when a cron line or calendar expression is due, without a server."`
	Discover   discoverCmd      `cmd:"" help:"Find the jobs of this machine and have them watched."`
	SecretKey  secretKeyCmd     `cmd:"" name:"secret-key" help:"Create and rotate the key that encrypts secrets in the database."`
	Backup     backupCmd        `cmd:"" help:"Copy the database, also while the server runs."`
	Restore    restoreCmd       `cmd:"" help:"Replace the database with a backup."`
	Check      checkCmd         `cmd:"" help:"Check the settings and the database."`
	Version    versionCmd       `cmd:"" help:"Print the version."`
	Forward    forwardOutputCmd `cmd:"" name:"forward-output" hidden:"" help:"Pass on what background processes of a job write. Only run starts it."`
}

const description = `A heartbeat monitor: your jobs call it when they have run, and it tells you when a call does not come.

Every setting can be given as a flag, as an environment variable, or as a key of the file that --config names. A flag beats the environment, which beats the file.`

// Main runs the command that args ask for and returns the exit code. It reads
// the settings in the environment of the process. If a signal ended the command
// of "run", the same signal ends this process.
func Main(args []string, std Streams) int {
	err := execute(args, std, newBackend())
	code := reportError(std, err)
	var o *exitError
	if errors.As(err, &o) && o.signal != 0 {
		killSelf(o.signal)
	}
	return code
}

// runWith is Main with the server's insides given, so that tests can be them.
func runWith(args []string, std Streams, in backend) int {
	return reportError(std, execute(args, std, in))
}

// execute runs the command that args ask for.
func execute(args []string, std Streams, in backend) error {
	helped := false
	parser, err := newParser(std, func(int) { helped = true })
	if err != nil {
		return err
	}
	if len(args) == 0 {
		// No command is a mistake, and the help is its best explanation.
		_, _ = parser.Parse([]string{"--help"}) // printing is all that is wanted
		return &exitError{code: exitUsage}
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped: // parsing goes on after --help; what it finds missing is no matter
		return nil
	case err != nil:
		return parseError(parser, err)
	}
	ctx, stop := signalContext()
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(in)
}

// signalContext returns a context that ends with the first interrupt or
// SIGTERM; a second one ends what does not stop. An ignored interrupt stays so.
func signalContext() (context.Context, context.CancelFunc) {
	ending := []os.Signal{syscall.SIGTERM}
	if !signal.Ignored(os.Interrupt) {
		ending = append(ending, os.Interrupt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ending...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// newParser describes the command line to the parser. exit is what the parser
// calls once it has printed help; it must return, so nothing ends the process
// behind our back.
func newParser(std Streams, exit func(int)) (*kong.Kong, error) {
	return kong.New(&commandLine{},
		kong.Name("overdue"),
		kong.Description(description),
		kong.Writers(std.Out, std.Err),
		kong.Exit(exit),
		kong.Bind(std),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		fieldHelp(),
		kong.ValueFormatter(helpWithVariables),
		kong.TypeMapper(reflect.TypeFor[netip.Prefix](), kong.MapperFunc(decodeNetwork)),
	)
}

// parseError turns the parser's complaint into one that says where to look.
func parseError(parser *kong.Kong, err error) error {
	where := parser.Model.Name
	var bad *kong.ParseError
	if errors.As(err, &bad) && bad.Context != nil {
		if node := bad.Context.Selected(); node != nil {
			where = node.FullPath()
		}
	}
	return usageError("%w\nRun \"%s --help\" for usage.", err, where)
}

// exitError is an error that knows its exit code. Without a reason it is silent:
// the command has said all there is to say.
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

// usageError is the error of a command that was not used as it must be.
func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// reportError tells the operator what went wrong and returns the exit code.
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

// warn writes a line to standard error, marked with who says it.
func warn(std Streams, format string, args ...any) {
	_, _ = fmt.Fprintf(std.Err, "overdue: "+format+"\n", args...) // nowhere is left to complain
}
