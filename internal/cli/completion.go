package cli

import (
	"context"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"overdue/client"
	"overdue/internal/cli/completion"
	"overdue/internal/cli/settings"
	"overdue/internal/notify"
)

// completionCmd prints the completion script of a shell.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,fish,zsh" help:"Shell: bash, fish or zsh."`
}

// Help is the long part of --help.
func (completionCmd) Help() string {
	return `The script completes commands, flags and values. If $OVERDUE_URL and an API key are set, it also completes slugs of heartbeats, numbers of incidents and names of channels.

Examples:

    source <(overdue completion bash)
    overdue completion zsh > ~/.zfunc/_overdue
    overdue completion fish > ~/.config/fish/completions/overdue.fish`
}

// Run prints the script.
func (c *completionCmd) Run(std Streams) error {
	script, err := completion.Script(c.Shell)
	if err != nil {
		return usageError("%w", err)
	}
	_, err = std.Out.Write([]byte(script))
	return err
}

// completeCmd prints the candidates for the last word of a command line. Only the
// completion scripts run it.
type completeCmd struct {
	Words []string `arg:"" optional:""`
}

// Run prints the candidates.
func (c *completeCmd) Run(ctx context.Context, std Streams, parser *kong.Context) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	return completion.Write(std.Out, parser.Model, words, candidates(ctx))
}

// completionTimeout limits the requests of a completion: a person waits for it at
// a prompt.
const completionTimeout = 2 * time.Second

// candidates returns the source of values. Errors mean no candidates, because a
// prompt is no place for messages.
func candidates(ctx context.Context) completion.Source {
	return func(command *kong.Node, value *kong.Value) ([]completion.Candidate, bool) {
		switch value.Name {
		case "slug-or-id", "heartbeat":
			return heartbeatCandidates(ctx), true
		case "number-or-id":
			return incidentCandidates(ctx), true
		case "name-or-id", "channel":
			if command.Parent.Name == "api-key" {
				return nil, true
			}
			return channelCandidates(ctx), true
		case "maintenance":
			return maintenanceCandidates(ctx), true
		case "policy":
			return policyCandidates(ctx), true
		case "kind":
			return kindCandidates(), true
		case "unset":
			return unsetCandidates(command), true
		}
		return nil, !takesFile(value)
	}
}

// takesFile reports whether a value is the path of a file.
func takesFile(value *kong.Value) bool {
	for _, word := range []string{"FILE", "DIR", "PATH"} {
		if strings.Contains(value.Tag.PlaceHolder, word) {
			return true
		}
	}
	return value.Name == "file"
}

// completionClient returns a client from the environment, or nil.
func completionClient() *client.Client {
	address := os.Getenv(settings.Variable("url"))
	key := os.Getenv(settings.Variable("api-key"))
	if path := os.Getenv(settings.Variable("api-key") + "_FILE"); key == "" && path != "" {
		text, _ := os.ReadFile(path) // without a key, nothing is completed
		key = strings.TrimSpace(string(text))
	}
	if address == "" || key == "" {
		return nil
	}
	return client.New(address, key, client.WithUserAgent(userAgent()))
}

// serverCandidates returns the candidates that the server has.
func serverCandidates[T any](list func(*client.Client) iter.Seq2[T, error], candidate func(T) completion.Candidate) []completion.Candidate {
	server := completionClient()
	if server == nil {
		return nil
	}
	all, _ := collectAll(list(server)) // no candidates on an error
	found := make([]completion.Candidate, len(all))
	for i, item := range all {
		found[i] = candidate(item)
	}
	return found
}

func heartbeatCandidates(ctx context.Context) []completion.Candidate {
	return serverCandidates(func(c *client.Client) iter.Seq2[client.Heartbeat, error] {
		return c.AllHeartbeats(ctx, client.HeartbeatQuery{})
	}, func(h client.Heartbeat) completion.Candidate {
		return completion.Candidate{Value: printable(h.Slug), Help: printable(h.Name)}
	})
}

// incidentCandidates returns the open incidents.
func incidentCandidates(ctx context.Context) []completion.Candidate {
	return serverCandidates(func(c *client.Client) iter.Seq2[client.Incident, error] {
		return c.AllIncidents(ctx, client.IncidentQuery{State: "open"})
	}, func(i client.Incident) completion.Candidate {
		return completion.Candidate{Value: strconv.FormatInt(i.Number, 10), Help: printable(i.HeartbeatName)}
	})
}

func channelCandidates(ctx context.Context) []completion.Candidate {
	return serverCandidates(func(c *client.Client) iter.Seq2[client.Channel, error] {
		return c.AllChannels(ctx, client.PageQuery{})
	}, func(ch client.Channel) completion.Candidate {
		return completion.Candidate{Value: printable(ch.Name), Help: ch.Kind}
	})
}

func policyCandidates(ctx context.Context) []completion.Candidate {
	return serverCandidates(func(c *client.Client) iter.Seq2[client.Policy, error] {
		return func(yield func(client.Policy, error) bool) {
			page, err := c.Policies(ctx)
			for _, p := range page.Items {
				if !yield(p, err) {
					return
				}
			}
		}
	}, func(p client.Policy) completion.Candidate {
		return completion.Candidate{Value: printable(p.Slug), Help: printable(p.Name)}
	})
}

func maintenanceCandidates(ctx context.Context) []completion.Candidate {
	return serverCandidates(func(c *client.Client) iter.Seq2[client.Maintenance, error] {
		return func(yield func(client.Maintenance, error) bool) {
			page, err := c.Maintenances(ctx)
			for _, m := range page.Items {
				if !yield(m, err) {
					return
				}
			}
		}
	}, func(m client.Maintenance) completion.Candidate {
		return completion.Candidate{Value: m.ID, Help: printable(m.Reason)}
	})
}

func kindCandidates() []completion.Candidate {
	var found []completion.Candidate
	for _, kind := range notify.Kinds() {
		found = append(found, completion.Candidate{Value: kind.Name, Help: kind.Label})
	}
	return found
}

// unsetCandidates returns the settings that a command can reset.
func unsetCandidates(command *kong.Node) []completion.Candidate {
	var found []completion.Candidate
	names := map[string][]string{"channels": channelUnsetNames(notify.Kinds()...), "policies": policyUnsetNames}
	if all, known := names[command.Parent.Name]; known {
		for _, name := range all {
			found = append(found, completion.Candidate{Value: name})
		}
		return found
	}
	for _, s := range settingsIn(&heartbeatFlags{}) {
		if _, can := s.tag.Lookup(unsetTag); can {
			found = append(found, completion.Candidate{Value: s.flag})
		}
	}
	return found
}
