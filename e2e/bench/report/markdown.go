package report

import (
	"fmt"
	"os"
	"strings"
)

// WriteMarkdown writes the figures with a bound as one table, and all others as a second.
// The column "before" is empty unless an earlier build was measured.
func (r *Report) WriteMarkdown(file string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s. %s\n", r.Machine.At.Format("2006-01-02 15:04 MST"), r.Machine)
	for _, bounded := range []bool{true, false} {
		r.table(&b, bounded)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}

// table appends the figures with or without a bound.
func (r *Report) table(b *strings.Builder, bounded bool) {
	header := "\n| measure | on | what | before | now | must be | | load average |\n| --- | --- | --- | --: | --: | --- | --- | --: |\n"
	for _, f := range r.Figures {
		if (f.Bound != nil) != bounded {
			continue
		}
		b.WriteString(header)
		header = ""
		before, _ := f.before()
		value := fmt.Sprintf("%.3g %s", f.Value, f.Unit)
		if f.Value == unmeasured {
			value = ""
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %.1f |\n", f.Measure, f.On, f.What, before, strings.TrimSpace(value), f.Bound, f.verdict(), f.Load)
	}
}
