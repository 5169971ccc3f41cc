package table_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"overdue/internal/cli/table"
)

// heartbeats returns a table with a name that may be cut and columns that may be hidden.
func heartbeats() *table.Table {
	t := table.New(
		table.Column{Title: "STATUS", Keep: true},
		table.Column{Title: "NAME", Min: 10, Keep: true},
		table.Column{Title: "SCHEDULE", Min: 8},
		table.Column{Title: "ID"},
	)
	t.Add("down", "Nightly backup of the database", "at 03:00 every day", "0c1d8f0e")
	t.Add("up", "同期", "every 5 min", "-")
	return t
}

func TestTable_Write(t *testing.T) {
	for name, test := range map[string]struct {
		width int
		want  string
	}{
		"no terminal shows everything": {0, `
STATUS  NAME                            SCHEDULE            ID
down    Nightly backup of the database  at 03:00 every day  0c1d8f0e
up      同期                            every 5 min         -
`},
		"a wide terminal shows everything": {100, `
STATUS  NAME                            SCHEDULE            ID
down    Nightly backup of the database  at 03:00 every day  0c1d8f0e
up      同期                            every 5 min         -
`},
		"the name gets the space before the schedule": {60, `
STATUS  NAME                            SCHEDULE    ID
down    Nightly backup of the database  at 03:00 …  0c1d8f0e
up      同期                            every 5 m…  -
`},
		"columns disappear from the right": {34, `
STATUS  NAME              SCHEDULE
down    Nightly backup …  at 03:0…
up      同期              every 5…
`},
		"the name keeps its minimum width": {4, `
STATUS  NAME
down    Nightly b…
up      同期
`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := heartbeats().Write(&out, test.width); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), out.String()); diff != "" {
				t.Errorf("width %d (-want +got):\n%s", test.width, diff)
			}
		})
	}
}

func TestTable_WriteNeverExceedsAWidthThatTheKeptColumnsAllow(t *testing.T) {
	for width := 18; width < 90; width++ {
		var out strings.Builder
		if err := heartbeats().Write(&out, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if got := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
				t.Errorf("width %d: line of %d columns: %q", width, got, line)
			}
		}
	}
}

func TestWidth_IsZeroWithoutATerminal(t *testing.T) {
	if got := table.Width(&strings.Builder{}); got != 0 {
		t.Errorf("width of a buffer: %d, want 0", got)
	}
}

func TestTable_WrapContinuesOnTheNextLineAndCutsNoWord(t *testing.T) {
	jobs := table.New(
		table.Column{Title: "SOURCE", Keep: true},
		table.Column{Title: "COMMAND", Min: 6},
		table.Column{Title: "HEARTBEAT", Min: 8, Keep: true, Wrap: true},
	)
	jobs.Add("/etc/crontab:1", "/opt/backup --full", "web1-a-long-slug")
	jobs.Add("/etc/crontab:2", "x", "none: runs at startup, not on a schedule")
	for width, want := range map[int]string{
		0: `
SOURCE          COMMAND             HEARTBEAT
/etc/crontab:1  /opt/backup --full  web1-a-long-slug
/etc/crontab:2  x                   none: runs at startup, not on a schedule
`,
		44: `
SOURCE          COMMAND     HEARTBEAT
/etc/crontab:1  /opt/back…  web1-a-long-slug
/etc/crontab:2  x           none: runs at
                            startup, not on
                            a schedule
`,
		20: `
SOURCE          HEARTBEAT
/etc/crontab:1  web1-a-long-slug
/etc/crontab:2  none: runs at
                startup, not on
                a schedule
`,
	} {
		var out strings.Builder
		if err := jobs.Write(&out, width); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), out.String()); diff != "" {
			t.Errorf("width %d (-want +got):\n%s", width, diff)
		}
	}
}
