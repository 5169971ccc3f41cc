package discover

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Bounds of what becomes part of a name.
const (
	longestLabel = 60
	mostWords    = 2 // after the program
)

// preludes are programs that only prepare the one that matters.
var preludes = []string{
	"cd", "test", "[", "[[", ":", "true", "export", "umask", "ulimit", "set", "sleep", ".", "source", "mkdir", "for", "case", "trap", "eval",
	"echo", "printf", "cat", "date", "which", "type", "hash", "pgrep",
}

// openers are words of the shell that a command follows.
var openers = []string{"{", "(", "!", "if", "then", "else", "elif", "while", "until", "do", "exec", "command"}

// carrier is a program that runs another: how many plain words come before that,
// and which of its options take a value.
type carrier struct {
	words   int
	options string
	command string // the option whose value is the command
	within  string // only behind this word does it run another program
}

var carriers = map[string]carrier{
	"sudo": {options: "-u -g -h -p"}, "nice": {options: "-n"}, "ionice": {options: "-c -n"}, "chrt": {words: 1}, "timeout": {words: 1, options: "-s -k"},
	"flock": {words: 1, options: "-w -E"}, "env": {options: "-u -C -S"}, "nohup": {}, "setsid": {}, "time": {}, "chronic": {}, "stdbuf": {options: "-i -o -e"},
	"systemd-cat": {options: "-t -p"}, "runuser": {options: "-u -g"}, "cronic": {}, "systemd-inhibit": {},
	"sh": {}, "bash": {}, "dash": {}, "zsh": {}, "ksh": {}, "python": {}, "perl": {}, "php": {options: "-d -c"}, "ruby": {}, "node": {}, "lua": {}, "run-parts": {},
	"su": {words: 1, options: "-s -g", command: "-c"}, "java": {options: "-cp -classpath -D"}, "screen": {options: "-S -dmS -c"}, "systemd-run": {options: "-p -u -E"},
	"docker": {within: "exec", words: 1, options: "-u -w -e --user --workdir --env"}, "podman": {within: "exec", words: 1, options: "-u -w -e --user --workdir --env"},
	"docker-compose": {within: "exec", words: 1, options: "-u -w -e --user --workdir --env --index"},
}

// commanders are programs whose first plain word is a command of theirs, and never a secret.
var commanders = []string{
	"artisan", "console", "manage.py", "rake", "rails", "bundle", "npm", "yarn", "composer", "wp", "drush", "occ", "git", "certbot", "apt-get", "apt", "dnf", "yum", "systemctl",
	"supervisorctl", "restic", "borg", "kubectl", "docker", "podman", "zfs", "zpool", "btrfs", "flatpak", "snap",
}

// versioned is an interpreter with its version, such as php8.2.
var versioned = regexp.MustCompile(`^(php|python|perl|ruby|node|lua)[0-9][0-9.]*$`)

var (
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	// A word after a program that has commands, and an option without its value: neither is a
	// secret.
	tameWord = regexp.MustCompile(`^[a-z][a-z_:-]{1,30}$`)
	tameFlag = regexp.MustCompile(`^--[a-z][a-z-]{1,30}$`)
	// A number that the shell works out, such as $((RANDOM % 60)), is no command.
	arithmetic = regexp.MustCompile(`\$\(\([^()]*\)\)`)
	goodName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
)

// labelOf names a command after the program that does the work: "backup.sh --full",
// "artisan schedule:run". Only words directly behind the program and then long
// options are taken, because names are shown to everybody and arguments may be secrets.
func labelOf(command string) string {
	for _, words := range segments(arithmetic.ReplaceAllLiteralString(command, "0")) {
		if program, rest := working(words); program != "" {
			return shorten(program + tame(program, rest))
		}
	}
	return "job"
}

// working skips what runs or prepares another program. It is empty where
// nothing in the segment does any work.
func working(words []string) (program string, rest []string) {
	for len(words) > 0 {
		name := asciiOf(path.Base(words[0]))
		if found := versioned.FindStringSubmatch(name); found != nil {
			name = found[1]
		}
		c, carries := carriers[name]
		if at := slices.Index(words, c.within); c.within != "" {
			if carries = at > 0; carries {
				words = words[at:]
			}
		}
		switch {
		case carries && c.within != "":
			words = c.carried(words[1:])
		case assignment.MatchString(words[0]), slices.Contains(openers, words[0]):
			words = words[1:]
		case slices.Contains(preludes, name):
			return "", nil
		case strings.HasPrefix(words[0], "sleep "):
			return "", nil
		case strings.ContainsAny(words[0], " \t"): // the script of "sh -c"
			return labelOf(words[0]), nil
		case c.command != "" && slices.Contains(words[:len(words)-1], c.command):
			return labelOf(words[slices.Index(words, c.command)+1]), nil
		case carries:
			words = c.carried(words[1:])
		case goodName.MatchString(name):
			return name, words[1:]
		default:
			return "", nil
		}
	}
	return "", nil
}

// carried returns what a carrier carries.
func (c carrier) carried(words []string) []string {
	plain := c.words
	for len(words) > 0 {
		word := words[0]
		switch {
		case strings.HasPrefix(word, "-"):
			words = words[1:]
			if len(words) > 0 && slices.Contains(strings.Fields(c.options), word) {
				words = words[1:]
			}
		case plain > 0:
			plain--
			words = words[1:]
		default:
			return words
		}
	}
	return nil
}

// asciiOf replaces characters that are not ASCII by a dash.
func asciiOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.IsLetter(r) {
			return '-'
		}
		return r
	}, name)
}

// tame is what may follow the program in a name.
func tame(program string, words []string) string {
	var b strings.Builder
	flags := !slices.Contains(commanders, program)
	for n, word := range words {
		flags = flags || n > 0 || tameFlag.MatchString(word)
		if n == mostWords || !tameFlag.MatchString(word) && (flags || !tameWord.MatchString(word)) {
			break
		}
		b.WriteString(" " + word)
	}
	return b.String()
}

func shorten(s string) string { return strings.TrimSpace(s[:min(len(s), longestLabel)]) }

// segments splits a command at the operators of the shell and at blanks, minding
// quotes. It is good enough for a name and for nothing else.
func segments(command string) [][]string {
	var all [][]string
	var words []string
	var word strings.Builder
	quoted := rune(0)
	skip := false // the next word is the target of a redirection
	end := func(segment bool) {
		if word.Len() > 0 {
			if !skip {
				words = append(words, word.String())
			}
			word.Reset()
			skip = false
		}
		if segment && len(words) > 0 {
			all = append(all, words)
			words = nil
		}
	}
	for _, r := range command {
		switch {
		case quoted != 0 && r == quoted:
			quoted = 0
		case quoted == 0 && (r == '\'' || r == '"'):
			quoted = r
		case quoted != 0:
			word.WriteRune(r)
		case r == ' ' || r == '\t':
			end(false)
		case r == '<' || r == '>':
			if text := word.String(); strings.Trim(text, "0123456789&") == "" {
				word.Reset() // the number of the redirected descriptor
			}
			end(false)
			skip = true
		case r == '&' && skip:
		case strings.ContainsRune(";|&()\n", r):
			end(true)
		default:
			word.WriteRune(r)
		}
	}
	end(true)
	return all
}

// name gives every job a name and a slug. A label that several jobs share gets a
// mark made of what tells them apart; jobs that ping already count, so that
// wiring one does not rename the other.
func name(jobs []Job, host string) {
	bases := make([]string, len(jobs))
	count := map[string]int{}
	for i := range jobs {
		j := &jobs[i]
		label := strings.TrimSuffix(j.Source, ".timer")
		if j.place.unit == nil {
			label = labelOf(unwrapped(j.Command))
		}
		who := ""
		if unit := j.place.unit; j.User != "" && j.User != "root" && (unit == nil || unit.user) {
			who = j.User + " "
		}
		bases[i] = slugOf(host + " " + who + label)
		j.Name = label + " on " + host
		if who != "" {
			j.Name = label + " of " + j.User + " on " + host
		}
		count[bases[i]]++
	}
	for i := range jobs {
		jobs[i].Slug = bases[i]
		if count[bases[i]] > 1 {
			m := mark(jobs[i])
			jobs[i].Slug += "-" + m
			jobs[i].Name += " (" + m + ")"
		}
	}
}

// mark is a short hash of where a job stands, when it runs and what it does.
func mark(j Job) string {
	when := firstOf(j.place.entry.schedule, strings.Join(j.Cron, "\n"))
	parts := []string{j.Source, j.User, when, unwrapped(j.Command)}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:3])
}

// longestSlug leaves room for the mark.
const longestSlug = 90

// slugOf makes lower-case letters and digits of a text, with single dashes
// between them, as the server wants them.
func slugOf(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if n := b.Len(); n > 0 && b.String()[n-1] != '-' {
			b.WriteByte('-')
		}
	}
	slug := b.String()
	slug = strings.Trim(slug[:min(len(slug), longestSlug)], "-")
	if slug == "" {
		return "job"
	}
	return slug
}
