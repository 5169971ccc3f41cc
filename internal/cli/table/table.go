// Package table writes tables for people: aligned columns that fit the width of a
// terminal.
//
// If a table is too wide, columns disappear from the right until the others fit
// at their minimum width, and text that is still too long ends in "…". A column
// with Keep never disappears. Without a terminal, nothing is hidden or cut,
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
		writeRow(&text, row, widths)
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
		if c.Min > 0 {
			widths[i] = min(natural[i], max(c.Min, runewidth.StringWidth(c.Title)))
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
