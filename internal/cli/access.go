package cli

import (
	"context"
	"fmt"
	"time"

	"overdue/internal/app"
	"overdue/internal/cli/table"
)

// apiKeyCmd groups the commands for API keys. They open the database directly,
// because the first key cannot be created through the API.
type apiKeyCmd struct {
	List   apiKeyListCmd   `cmd:"" help:"List API keys."`
	Create apiKeyCreateCmd `cmd:"" help:"Create an API key and print it once."`
	Revoke apiKeyRevokeCmd `cmd:"" help:"Revoke an API key."`
}

// projectFlag names the project of API keys.
type projectFlag struct {
	Project string `placeholder:"NAME" help:"Project that the keys belong to. Required if there are several projects."`
}

// apiKeyListCmd prints the keys of a project.
type apiKeyListCmd struct {
	StoreFlags
	projectFlag
	zoneFlag

	JSON bool `name:"json" help:"Print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (apiKeyListCmd) Help() string {
	return `Opens the database directly, also while the server runs. The secret part of a key is not stored, so only its first characters are shown.

Examples:

    overdue api-key list
    overdue api-key list --database /var/lib/overdue/overdue.db --json`
}

// apiKeyJSON is a key in --json.
type apiKeyJSON struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Prefix     string     `json:"prefix"`
	Access     string     `json:"access"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// newAPIKeyJSON converts a key.
func newAPIKeyJSON(k app.APIKey) apiKeyJSON {
	shown := apiKeyJSON{ID: k.ID, Name: k.Name, Prefix: k.Prefix, Access: "read-write", CreatedAt: k.Created, CreatedBy: k.CreatedBy}
	if k.ReadOnly {
		shown.Access = "read-only"
	}
	if !k.LastUsed.IsZero() {
		shown.LastUsedAt = &k.LastUsed
	}
	return shown
}

// Run prints the keys.
func (c *apiKeyListCmd) Run(ctx context.Context, std Streams, server backend) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	keys, err := server.listAPIKeys(ctx, c.StoreFlags, c.Project)
	if err != nil {
		return fmt.Errorf("API keys: %w", err)
	}
	all := []apiKeyJSON{}
	for _, k := range keys {
		all = append(all, newAPIKeyJSON(k))
	}
	if c.JSON {
		return printJSON(std, all)
	}
	t := table.New(
		table.Column{Title: "NAME", Min: 16, Keep: true},
		table.Column{Title: "KEY", Keep: true},
		table.Column{Title: "ACCESS"},
		table.Column{Title: clock.title("LAST USED")},
		table.Column{Title: "CREATED"},
		table.Column{Title: "CREATED BY", Min: 16},
		table.Column{Title: "ID"},
	)
	for _, k := range all {
		t.Add(printable(k.Name), k.Prefix+"…", k.Access, clock.text(k.LastUsedAt), clock.text(&k.CreatedAt), printable(k.CreatedBy), k.ID)
	}
	return t.Write(std.Out, table.Width(std.Out))
}

// apiKeyCreateCmd creates a key.
type apiKeyCreateCmd struct {
	StoreFlags
	projectFlag

	Name     string `required:"" placeholder:"NAME" help:"What the key is for."`
	ReadOnly bool   `help:"The key can read but not change, and does not see ping URLs."`
	JSON     bool   `name:"json" help:"Print the key and its name as JSON."`
}

// Help is the long part of --help.
func (apiKeyCreateCmd) Help() string {
	return `Opens the database directly, also while the server runs.

Examples:

    overdue api-key create --name deploy > /run/secrets/overdue-key
    overdue api-key create --name dashboard --read-only --json`
}

// Run prints the new key and nothing else, so that it can be written to a file.
func (c *apiKeyCreateCmd) Run(ctx context.Context, std Streams, server backend) error {
	key, err := server.createAPIKey(ctx, c.StoreFlags, KeyRequest{Name: c.Name, Project: c.Project, ReadOnly: c.ReadOnly})
	if err != nil {
		return fmt.Errorf("API key: %w", err)
	}
	if c.JSON {
		return printJSON(std, struct {
			Name     string `json:"name"`
			ReadOnly bool   `json:"read_only"`
			Key      string `json:"key"`
		}{c.Name, c.ReadOnly, key})
	}
	return printLine(std, key)
}

// apiKeyRevokeCmd revokes a key.
type apiKeyRevokeCmd struct {
	StoreFlags
	projectFlag

	Key string `arg:"" name:"name-or-id" help:"Name or id of the key, as overdue api-key list shows it."`
}

// Help is the long part of --help.
func (apiKeyRevokeCmd) Help() string {
	return `Opens the database directly, also while the server runs. Requests with the key fail from then on. This cannot be undone.

Examples:

    overdue api-key revoke deploy`
}

// Run revokes the key.
func (c *apiKeyRevokeCmd) Run(ctx context.Context, server backend) error {
	if err := server.revokeAPIKey(ctx, c.StoreFlags, c.Project, c.Key); err != nil {
		return fmt.Errorf("API key %s: %w", c.Key, err)
	}
	return nil
}

// personCmd groups the commands for people. They open the database directly.
type personCmd struct {
	ResetLink personResetLinkCmd `cmd:"" help:"Print a link that sets a new password, once."`
	SignOut   personSignOutCmd   `cmd:"" help:"End all sessions of a person."`
}

// personResetLinkCmd creates a link.
type personResetLinkCmd struct {
	StoreFlags

	PublicURL string `name:"public-url" placeholder:"URL" setting:"file" help:"Address of the server, with which the link begins. Without it, only the path is printed."`
	Email     string `arg:"" help:"Email address of the person."`
}

// Help is the long part of --help.
func (personResetLinkCmd) Help() string {
	return `Opens the database directly, also while the server runs. The link works once, for one hour, and replaces an earlier one. Anyone who has the link can sign in as that person.

Examples:

    overdue person reset-link ada@example.org --public-url https://overdue.example.org`
}

// Validate checks what the types do not say. The parser calls it.
func (c *personResetLinkCmd) Validate() error { return validatePublicURL(c.PublicURL) }

// Run prints the link and nothing else. Without --public-url, a line on standard error
// says what to add: only the running server knows its address.
func (c *personResetLinkCmd) Run(ctx context.Context, std Streams, in backend) error {
	link, err := in.resetLink(ctx, c.StoreFlags, c.PublicURL, c.Email)
	if err != nil {
		return fmt.Errorf("reset link: %w", err)
	}
	if err := printLine(std, link); err != nil {
		return err
	}
	if c.PublicURL == "" {
		warn(std, "this is only the path: add the address of the server before it, such as http://localhost:8080, or set --public-url")
	}
	return nil
}

// personSignOutCmd ends the sessions of one person.
type personSignOutCmd struct {
	StoreFlags

	Email string `arg:"" help:"Email address of the person."`
}

// Help is the long part of --help.
func (personSignOutCmd) Help() string {
	return `Opens the database directly, also while the server runs. Open pages stop updating within five seconds. The person can sign in again with their password; to prevent that, remove the person from their projects, or set a new password with overdue person reset-link.

Examples:

    overdue person sign-out ada@example.org`
}

// Run ends the sessions and prints their number.
func (c *personSignOutCmd) Run(ctx context.Context, std Streams, in backend) error {
	n, err := in.signOut(ctx, c.StoreFlags, c.Email)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return printLine(std, fmt.Sprintf("%s of %s ended", countText(n, "session"), c.Email))
}
