package settings

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
// read: on the command line, which the process list shows, or in a configuration file
// that is readable by everyone.
func (r *Resolver) exposedSecrets(ctx *kong.Context) []string {
	var all []string
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Tag.Has(secretTag) && isConfidential(p.Flag.Name, flagText(ctx, p)) {
			all = append(all, fmt.Sprintf("--%s: other users of this machine can see it in the process list; set %s_FILE to a file that only Overdue can read",
				p.Flag.Name, Variable(p.Flag.Name)))
		}
	}
	var secrets []string
	for _, name := range flagNames(ctx.Model, isSecret) {
		if e, given := r.file[name]; given && isConfidential(name, e.value) {
			secrets = append(secrets, name)
		}
	}
	info, err := os.Stat(r.path)
	if len(secrets) > 0 && err == nil && info.Mode().Perm()&othersMayRead != 0 {
		slices.Sort(secrets)
		all = append(all, fmt.Sprintf("%s: every user of this machine can read it, and it contains %s; run chmod o-r %[1]s", r.path, strings.Join(secrets, ", ")))
	}
	return all
}

// flagText returns the value of a secret flag on the command line.
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
		return true // possibly an address that is malformed because of its password
	case u.Scheme == "" || u.Host == "":
		return name != "database"
	}
	_, password := u.User.Password()
	return password || u.Query().Has("password")
}
