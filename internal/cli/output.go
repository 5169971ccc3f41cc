package cli

import (
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"overdue/client"
	"overdue/internal/cli/table"
	"overdue/internal/safetext"
	"overdue/internal/schedule"
)

// printLine writes a line of the result. A result that cannot be written is an
// error: the disk under "> key.txt" may be full.
func printLine(std Streams, line string) error {
	if _, err := fmt.Fprintln(std.Out, line); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// printJSON writes a value as indented JSON. Characters of HTML, such as the & of a
// command, are not escaped: people copy the values.
func printJSON(std Streams, value any) error {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	return printLine(std, strings.TrimSuffix(text.String(), "\n"))
}

// collectAll returns all items of a list of the API. An empty list is not nil, so
// that its JSON is [].
func collectAll[T any](items iter.Seq2[T, error]) ([]T, error) {
	all := []T{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// list prints the items of an API list as JSON or as a table.
type list[T any] struct {
	noun  string // the first word of errors
	api   apiFlags
	zone  zoneFlag
	json  bool
	read  func(*client.Client) ([]T, error) // in the order of the table
	table func([]T, clock) *table.Table
}

// print reads the items and prints them.
func (l list[T]) print(std Streams) error {
	clock, err := l.zone.clock()
	if err != nil {
		return err
	}
	server, err := l.api.newClient()
	if err != nil {
		return err
	}
	all, err := l.read(server)
	if err != nil {
		return fmt.Errorf("%s: %w", l.noun, err)
	}
	if l.json {
		return printJSON(std, all)
	}
	return l.table(all, clock).Write(std.Out, table.Width(std.Out))
}

// countText returns a number with its noun: "1 file", "3 files".
func countText(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// printable replaces characters that would move the cursor or color the terminal:
// names are written by others.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}

// printableText is printable, but keeps line breaks and tabs.
func printableText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// zoneFlag chooses the time zone of everything that a command prints.
type zoneFlag struct {
	Zone string `placeholder:"ZONE" help:"Time zone of the printed times, such as Europe/Berlin. Default: the zone of this machine."`
}

// clock returns the clock of the zone.
func (f zoneFlag) clock() (clock, error) {
	if f.Zone == "" {
		return clock{time.Local, localZoneName()}, nil
	}
	name, err := schedule.CanonicalZone(f.Zone)
	if err != nil {
		return clock{}, usageError("--zone: %w", err)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return clock{}, usageError("--zone %s: %w", f.Zone, err)
	}
	return clock{zone, name}, nil
}

// clock writes times of one time zone.
type clock struct {
	zone *time.Location
	name string
}

// title adds the name of the zone to the title of a column. Only the first column
// of times needs it.
func (c clock) title(text string) string { return text + " (" + c.name + ")" }

// text returns a time to the second, or a dash for nil.
func (c clock) text(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.In(c.zone).Format("2006-01-02 15:04:05")
}

// explanation returns an explanation by the server with its times in the zone of the clock.
func (c clock) explanation(text string) string {
	return safetext.LocalTimes(withPlainSpaces(text), func(t time.Time) string { return c.text(&t) })
}

// localZoneName returns the name of this machine's time zone, or its abbreviation if
// the name is unknown.
func localZoneName() string {
	name := strings.TrimPrefix(os.Getenv("TZ"), ":")
	if name == "" {
		path, _ := os.Readlink("/etc/localtime") // not a link on every machine
		_, name, _ = strings.Cut(path, "zoneinfo/")
	}
	if canonical, err := schedule.CanonicalZone(name); name != "" && err == nil {
		return canonical
	}
	abbreviation, _ := time.Now().Zone()
	return abbreviation
}

// details collects named values of one thing, for people.
type details struct{ rows [][2]string }

// add appends a value, unless it is empty.
func (d *details) add(name, value string) {
	if value != "" {
		d.rows = append(d.rows, [2]string{name, value})
	}
}

// addDuration appends a number of seconds, unless it is nil.
func (d *details) addDuration(name string, seconds *int64) {
	if seconds != nil {
		d.add(name, durationText(*seconds))
	}
}

// String returns one value per line, with aligned values. The lines of a longer
// text are indented.
func (d *details) String() string {
	width := 0
	for _, row := range d.rows {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range d.rows {
		indent := "\n" + strings.Repeat(" ", width+2)
		text := strings.ReplaceAll(strings.TrimSpace(printableText(row[1])), "\n", indent)
		fmt.Fprintf(&b, "%-*s  %s\n", width, row[0], text)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
