package prose

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// phraseTable contains the phrases. Its first lines explain the columns.
//
//go:embed phrases.txt
var phraseTable string

// Phrase is a wording that the project does not use.
type Phrase struct {
	Example string // a text with the phrase
	Advice  string // what to write instead
	pattern *regexp.Regexp
	except  *regexp.Regexp // matches around the phrase that are correct, or nil
}

// Hit is a phrase in a text.
type Hit struct {
	Path   string
	Line   int
	Found  string
	Advice string
}

// String returns "path:line: ...", which editors can follow.
func (h Hit) String() string {
	return fmt.Sprintf("%s:%d: %q: %s", h.Path, h.Line, h.Found, h.Advice)
}

// Phrases reads the table.
func Phrases() ([]Phrase, error) {
	var all []Phrase
	for n, line := range strings.Split(phraseTable, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, " | ")
		if len(columns) != 4 {
			return nil, fmt.Errorf("phrases.txt:%d: has %d columns; want 4", n+1, len(columns))
		}
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		p := Phrase{Example: columns[3], Advice: columns[2]}
		var err error
		if p.pattern, err = compile(columns[0]); err != nil {
			return nil, fmt.Errorf("phrases.txt:%d: %w", n+1, err)
		}
		if columns[1] != "-" {
			if p.except, err = compile(columns[1]); err != nil {
				return nil, fmt.Errorf("phrases.txt:%d: %w", n+1, err)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// compile compiles a pattern in which a space matches any white space. A
// pattern without a capital letter ignores case.
func compile(pattern string) (*regexp.Regexp, error) {
	flags := "(?i)"
	if regexp.MustCompile(`[A-Z]`).MatchString(strings.NewReplacer(`\B`, "", `\S`, "", `\W`, "").Replace(pattern)) {
		flags = ""
	}
	return regexp.Compile(flags + strings.ReplaceAll(pattern, " ", `\s+`))
}

// contextBytes is the number of bytes on each side of a match that belong to its context.
const contextBytes = 30

// Find returns where the phrase is in a text.
func (p Phrase) Find(text Text) []Hit {
	var hits []Hit
	for _, at := range p.pattern.FindAllStringIndex(text.Value, -1) {
		if p.excepted(text.Value, at) {
			continue
		}
		hits = append(hits, Hit{
			Path: text.Path, Line: text.Line + strings.Count(text.Value[:at[0]], "\n"),
			Found: excerpt(text.Value[at[0]:at[1]]), Advice: p.Advice,
		})
	}
	return hits
}

// excerpt returns a text as one short line.
func excerpt(text string) string {
	const maxLength = 60
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > maxLength {
		line = append(line[:maxLength], '…')
	}
	return string(line)
}

// excepted reports whether an exception of the phrase overlaps the match.
func (p Phrase) excepted(text string, at []int) bool {
	if p.except == nil {
		return false
	}
	from, to := max(0, at[0]-contextBytes), min(len(text), at[1]+contextBytes)
	return slices.ContainsFunc(p.except.FindAllStringIndex(text[from:to], -1), func(e []int) bool {
		return from+e[0] < at[1] && at[0] < from+e[1]
	})
}

// allowed marks a line whose wording is correct although a phrase matches. A
// reason follows.
const allowed = "prose:allow "

// Check returns all phrases in the texts below root, except on lines that are
// marked with "prose:allow" and a reason, or that follow such a line.
func Check(root string) ([]Hit, error) {
	phrases, err := Phrases()
	if err != nil {
		return nil, err
	}
	texts, err := Texts(root)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for _, text := range texts {
		for _, p := range phrases {
			hits = append(hits, p.Find(text)...)
		}
	}
	return slices.DeleteFunc(hits, func(h Hit) bool {
		content, err := os.ReadFile(filepath.Join(root, h.Path))
		if err != nil {
			return false
		}
		lines := strings.Split(string(content), "\n")
		return strings.Contains(strings.Join(lines[max(0, h.Line-2):min(len(lines), h.Line)], "\n"), allowed)
	}), nil
}
