package manual_test

import (
	"fmt"
	"strings"
	"testing"

	"overdue/internal/notify"
	"overdue/internal/notify/provider"
)

// kindTable returns the table of the kinds of channel, from the kinds themselves.
func kindTable() string {
	mark := func(can bool) string {
		if can {
			return "yes"
		}
		return "-"
	}
	var b strings.Builder
	b.WriteString("| `kind` | Service | Closes on recovery | Shows acknowledgements | Threads | Severity | Repeats are harmless | Settings | Tested |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, group := range provider.Groups() {
		for _, k := range notify.Kinds() {
			if k.Group != group {
				continue
			}
			var fields []string
			for _, f := range k.Fields {
				name := "`" + f.Name + "`"
				if f.Required && f.Generate == nil {
					name = "**" + name + "**"
				}
				fields = append(fields, name)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s |\n", k.Name, k.Label, mark(k.Can.Resolve), mark(k.Can.Acknowledge),
				mark(k.Can.Thread), mark(k.Can.Severity), mark(k.Can.OnceOnly), strings.Join(fields, ", "), k.Can.Tested)
		}
	}
	return b.String()
}

func TestManual_TheTableOfKindsIsThatOfTheKinds(t *testing.T) {
	text := readPage(t, "channels.md")
	if want := kindTable(); !strings.Contains(text, "\n"+want+"\n") {
		t.Errorf("docs/manual/channels.md: the table of kinds must be\n%s", want)
	}
	for _, k := range notify.Kinds() {
		if len(rowsOf(text, "`"+k.Name+"`")) == 0 {
			t.Errorf("the kind %s is in no group of the gallery", k.Name)
		}
	}
}
