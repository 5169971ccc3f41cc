// Package table writes tables for people: aligned columns that fit the width of a
// terminal.
//
// If a table is too wide, columns disappear from the right until the others fit
// at their minimum width, and text that is still too long ends in "…". A column
// with Keep never disappears, and the text of a column with Wrap continues on the next
// line. Without a terminal, nothing is hidden or cut,
// because a program reads the output or a file keeps it.
package table

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// gap is the number of blanks between two columns.
const gap = 2

// Column describes one column.
type Column struct {
	Title string
	Min   int  // width to which text may be cut; 0: the text is never cut
	Keep  bool // the column is never hidden
	Wrap  bool // long text continues on the next line, at a blank; a word is never cut
}

// Table collects rows and writes them at once.
type Table struct {
	columns []Column
	rows    [][]string
}

// New returns an empty table.
func New(columns ...Column) *Table { return &Table{columns: columns} }

// Add appends a row. The row must have a cell for each column.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Write writes the table to out. width is the number of columns of the terminal;
// 0 means no limit.
func (t *Table) Write(out io.Writer, width int) error {
	widths := t.naturalWidths()
	if width > 0 {
		widths = t.fit(widths, width)
	}
	var text strings.Builder
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.Title
	}
	writeRow(&text, titles, widths)
	for _, row := range t.rows {
		for _, line := range t.wrapRow(row, widths) {
			writeRow(&text, line, widths)
		}
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// naturalWidths returns the width of the longest cell of each column.
func (t *Table) naturalWidths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = runewidth.StringWidth(c.Title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	return widths
}

// fit returns widths whose sum is at most limit, if the columns that are kept
// allow it. A hidden column has width 0.
func (t *Table) fit(natural []int, limit int) []int {
	widths := slices.Clone(natural)
	for i, c := range t.columns {
		least := c.Min
		if c.Wrap {
			least = max(least, t.longestWord(i))
		}
		if least > 0 {
			widths[i] = min(natural[i], max(least, runewidth.StringWidth(c.Title)))
		}
	}
	for i := len(widths) - 1; i >= 0 && total(widths) > limit; i-- {
		if !t.columns[i].Keep {
			widths[i] = 0
		}
	}
	// The leftmost columns matter most, so they get the space that is left.
	for i, width := range widths {
		if width > 0 {
			widths[i] += min(natural[i]-width, max(0, limit-total(widths)))
		}
	}
	return widths
}

// longestWord returns the width of the longest word in a column.
func (t *Table) longestWord(column int) int {
	longest := 0
	for _, row := range t.rows {
		for word := range strings.FieldsSeq(row[column]) {
			longest = max(longest, runewidth.StringWidth(word))
		}
	}
	return longest
}

// total returns the width of a row.
func total(widths []int) int {
	sum := -gap
	for _, width := range widths {
		if width > 0 {
			sum += width + gap
		}
	}
	return sum
}

// wrapRow returns the lines of a row.
func (t *Table) wrapRow(row []string, widths []int) [][]string {
	lines := [][]string{slices.Clone(row)}
	for i, c := range t.columns {
		if !c.Wrap || widths[i] == 0 {
			continue
		}
		for n, part := range wrapText(row[i], widths[i]) {
			if n == len(lines) {
				lines = append(lines, make([]string, len(row)))
			}
			lines[n][i] = part
		}
	}
	return lines
}

// wrapText returns the lines of a text: as many words as fit into width, at least one.
func wrapText(text string, width int) []string {
	if runewidth.StringWidth(text) <= width {
		return []string{text}
	}
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && runewidth.StringWidth(lines[last]+" "+word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// writeRow writes the visible cells of a row, without blanks at its end.
func writeRow(out *strings.Builder, cells []string, widths []int) {
	line := ""
	for i, width := range widths {
		if width == 0 {
			continue
		}
		cell := runewidth.FillRight(runewidth.Truncate(cells[i], width, "…"), width)
		line += cell + strings.Repeat(" ", gap)
	}
	out.WriteString(strings.TrimRight(line, " ") + "\n")
}

// Width returns the number of columns of the terminal behind out, or 0 if out is
// not a terminal.
func Width(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}
