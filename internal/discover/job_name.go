package discover

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Limits of the text in a name.
const (
	maxLabelLength    = 60
	maxLabelArguments = 2 // after the program
)

// preparatoryCommands only prepare the command that does the work.
var preparatoryCommands = []string{
	"cd", "test", "[", "[[", ":", "true", "export", "umask", "ulimit", "set", "sleep", ".", "source", "mkdir", "for", "case", "trap", "eval",
	"echo", "printf", "cat", "date", "which", "type", "hash", "pgrep",
}

// shellKeywords are shell words that precede a command.
var shellKeywords = []string{"{", "(", "!", "if", "then", "else", "elif", "while", "until", "do", "exec", "command"}

// wrapperProgram is a program that runs another program.
type wrapperProgram struct {
	positional    int    // number of arguments before the other program
	valueOptions  string // options with a value
	commandOption string // the option whose value is the command
	subcommand    string // the subcommand that runs another program
}

var wrapperPrograms = map[string]wrapperProgram{
	"sudo": {valueOptions: "-u -g -h -p"}, "nice": {valueOptions: "-n"}, "ionice": {valueOptions: "-c -n"}, "chrt": {positional: 1}, "timeout": {positional: 1, valueOptions: "-s -k"},
	"flock": {positional: 1, valueOptions: "-w -E"}, "env": {valueOptions: "-u -C -S"}, "nohup": {}, "setsid": {}, "time": {}, "chronic": {}, "stdbuf": {valueOptions: "-i -o -e"},
	"systemd-cat": {valueOptions: "-t -p"}, "runuser": {valueOptions: "-u -g"}, "cronic": {}, "systemd-inhibit": {},
	"sh": {}, "bash": {}, "dash": {}, "zsh": {}, "ksh": {}, "python": {}, "perl": {}, "php": {valueOptions: "-d -c"}, "ruby": {}, "node": {}, "lua": {}, "run-parts": {},
	"su": {positional: 1, valueOptions: "-s -g", commandOption: "-c"}, "java": {valueOptions: "-cp -classpath -D"}, "screen": {valueOptions: "-S -dmS -c"}, "systemd-run": {valueOptions: "-p -u -E"},
	"docker": {subcommand: "exec", positional: 1, valueOptions: "-u -w -e --user --workdir --env"}, "podman": {subcommand: "exec", positional: 1, valueOptions: "-u -w -e --user --workdir --env"},
	"docker-compose": {subcommand: "exec", positional: 1, valueOptions: "-u -w -e --user --workdir --env --index"},
}

// programsWithSubcommands are programs whose first argument is a subcommand, never a secret.
var programsWithSubcommands = []string{
	"artisan", "console", "manage.py", "rake", "rails", "bundle", "npm", "yarn", "composer", "wp", "drush", "occ", "git", "certbot", "apt-get", "apt", "dnf", "yum", "systemctl",
	"supervisorctl", "restic", "borg", "kubectl", "docker", "podman", "zfs", "zpool", "btrfs", "flatpak", "snap",
}

// versionedInterpreter matches an interpreter with its version, such as php8.2.
var versionedInterpreter = regexp.MustCompile(`^(php|python|perl|ruby|node|lua)[0-9][0-9.]*$`)

var (
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	// A word after a program that has commands, and an option without its value: neither is a
	// secret.
	harmlessWord = regexp.MustCompile(`^[a-z][a-z_:-]{1,30}$`)
	harmlessFlag = regexp.MustCompile(`^--[a-z][a-z-]{1,30}$`)
	// A number that the shell works out, such as $((RANDOM % 60)), is no command.
	arithmeticExpansion = regexp.MustCompile(`\$\(\([^()]*\)\)`)
	programNamePattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
)

// commandLabel names a command after the program that does the work: "backup.sh --full", "artisan
// schedule:run". It uses only words directly after the program and then long options, because
// everyone can see names and arguments can be secrets.
func commandLabel(command string) string {
	for _, words := range splitSegments(arithmeticExpansion.ReplaceAllLiteralString(command, "0")) {
		if program, rest := mainProgram(words); program != "" {
			return truncateLabel(program + harmlessArguments(program, rest))
		}
	}
	return "job"
}

// mainProgram skips programs that run or prepare another program. It returns "" if nothing in the
// segment does the work.
func mainProgram(words []string) (program string, rest []string) {
	for len(words) > 0 {
		name := toASCII(path.Base(words[0]))
		if found := versionedInterpreter.FindStringSubmatch(name); found != nil {
			name = found[1]
		}
		c, carries := wrapperPrograms[name]
		if at := slices.Index(words, c.subcommand); c.subcommand != "" {
			if carries = at > 0; carries {
				words = words[at:]
			}
		}
		switch {
		case carries && c.subcommand != "":
			words = c.wrappedWords(words[1:])
		case assignment.MatchString(words[0]), slices.Contains(shellKeywords, words[0]):
			words = words[1:]
		case slices.Contains(preparatoryCommands, name):
			return "", nil
		case strings.HasPrefix(words[0], "sleep "):
			return "", nil
		case strings.ContainsAny(words[0], " \t"): // the script of "sh -c"
			return commandLabel(words[0]), nil
		case c.commandOption != "" && slices.Contains(words[:len(words)-1], c.commandOption):
			return commandLabel(words[slices.Index(words, c.commandOption)+1]), nil
		case carries:
			words = c.wrappedWords(words[1:])
		case programNamePattern.MatchString(name):
			return name, words[1:]
		default:
			return "", nil
		}
	}
	return "", nil
}

// wrappedWords returns the command that a wrapper program runs.
func (c wrapperProgram) wrappedWords(words []string) []string {
	plain := c.positional
	for len(words) > 0 {
		word := words[0]
		switch {
		case strings.HasPrefix(word, "-"):
			words = words[1:]
			if len(words) > 0 && slices.Contains(strings.Fields(c.valueOptions), word) {
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

// toASCII replaces letters that are not ASCII by a dash.
func toASCII(name string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.IsLetter(r) {
			return '-'
		}
		return r
	}, name)
}

// harmlessArguments returns the arguments that can follow the program in a name.
func harmlessArguments(program string, words []string) string {
	var b strings.Builder
	flags := !slices.Contains(programsWithSubcommands, program)
	for n, word := range words {
		flags = flags || n > 0 || harmlessFlag.MatchString(word)
		if n == maxLabelArguments || !harmlessFlag.MatchString(word) && (flags || !harmlessWord.MatchString(word)) {
			break
		}
		b.WriteString(" " + word)
	}
	return b.String()
}

func truncateLabel(s string) string { return strings.TrimSpace(s[:min(len(s), maxLabelLength)]) }

// splitSegments splits a command at shell operators and blanks, and respects quotes. It is good
// enough for names only.
func splitSegments(command string) [][]string {
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

// nameJobs gives every job a name and a slug. Jobs with the same label get a hash of their
// differences. Jobs that already ping count, so that editing one does not rename the other.
func nameJobs(jobs []Job, host string) {
	bases := make([]string, len(jobs))
	count := map[string]int{}
	for i := range jobs {
		j := &jobs[i]
		label := strings.TrimSuffix(j.Source, ".timer")
		if j.origin.unit == nil {
			label = commandLabel(unwrapCommand(j.Command))
		}
		who := ""
		if unit := j.origin.unit; j.User != "" && j.User != "root" && (unit == nil || unit.UserManager) {
			who = j.User + " "
		}
		bases[i] = slugify(host + " " + who + label)
		j.Name = label + " on " + host
		if who != "" {
			j.Name = label + " of " + j.User + " on " + host
		}
		count[bases[i]]++
	}
	for i := range jobs {
		jobs[i].Slug = bases[i]
		if count[bases[i]] > 1 {
			m := distinguishingHash(jobs[i])
			jobs[i].Slug += "-" + m
			jobs[i].Name += " (" + m + ")"
		}
	}
}

// distinguishingHash is a short hash of where a job is, when it runs and what it does.
func distinguishingHash(j Job) string {
	when := cmp.Or(j.origin.entry.Schedule, strings.Join(j.Cron, "\n"))
	parts := []string{j.Source, j.User, when, unwrapCommand(j.Command)}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:3])
}

// maxSlugLength leaves room for the hash.
const maxSlugLength = 90

// slugify returns lower-case letters and digits of a text, with single dashes between them, as the
// server requires.
func slugify(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if n := b.Len(); n > 0 && b.String()[n-1] != '-' {
			b.WriteByte('-')
		}
	}
	slug := b.String()
	slug = strings.Trim(slug[:min(len(slug), maxSlugLength)], "-")
	if slug == "" {
		return "job"
	}
	return slug
}
