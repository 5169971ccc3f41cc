package cli

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// othersMayRead is the read permission for users other than the owner and the
// group of a file.
const othersMayRead fs.FileMode = 0o004

// exposedSecrets returns a warning for each secret that other users of the machine can
// read: on the command line, which the process list shows, or in a world-readable
// configuration file.
func (s *settingsResolver) exposedSecrets(ctx *kong.Context) []string {
	var all []string
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Tag.Has(secretTag) && isConfidential(p.Flag.Name, flagText(ctx, p)) {
			all = append(all, fmt.Sprintf("--%s: other users of this machine can see it in the process list; set %s_FILE to a file that only Overdue can read",
				p.Flag.Name, variableName(p.Flag.Name)))
		}
	}
	var held []string
	for _, name := range flagNames(ctx.Model, isSecret) {
		if e, given := s.file[name]; given && isConfidential(name, e.value) {
			held = append(held, name)
		}
	}
	about, err := os.Stat(s.path)
	if len(held) > 0 && err == nil && about.Mode().Perm()&othersMayRead != 0 {
		slices.Sort(held)
		all = append(all, fmt.Sprintf("%s: every user of this machine can read it, and it contains %s; run chmod o-r %[1]s", s.path, strings.Join(held, ", ")))
	}
	return all
}

// flagText is the value of a secret flag on the command line.
func flagText(ctx *kong.Context, p *kong.Path) string {
	secret, _ := ctx.Value(p).Interface().(Secret)
	return string(secret)
}

// isConfidential reports whether the value of a secret setting is confidential.
// The path of a database file and an address without a password are not.
func isConfidential(name, value string) bool {
	u, err := url.Parse(value)
	switch {
	case value == "":
		return false
	case err != nil:
		return true // it may be an address that only its password makes malformed
	case u.Scheme == "" || u.Host == "":
		return name != "database"
	}
	_, password := u.User.Password()
	return password || u.Query().Has("password")
}
