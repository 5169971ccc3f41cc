package discover

import (
	"bytes"
	"fmt"
	"strings"
)

// JobPing says that a job is to ping this URL.
type JobPing struct {
	Job Job
	URL string
}

// PingLine is what makes the job ping: the whole new line of its crontab, or the text
// of a drop-in. at says where it belongs. An error says why there is no such line.
func (m Machine) PingLine(wire JobPing, w PingSettings) (at, text string, err error) {
	j := wire.Job
	if !j.Watchable() {
		return "", "", fmt.Errorf("%s: is not to be wired", j.Source)
	}
	if j.origin.unit != nil {
		return w.dropIn(m, j.origin.unit, wire.URL)
	}
	command, err := w.wrapCommand(j.origin.entry, wire.URL, j.origin.needsNoShell)
	if err != nil {
		return "", "", err
	}
	e := j.origin.entry
	return fmt.Sprintf("%s, line %d", j.Source, j.Line), e.prefix + command + e.stdin, nil
}

// Edit is a file before and after. A drop-in has no before.
type Edit struct {
	Location      string // where, for people
	Before, After []byte

	path     string // of the file; "" for a crontab that crontab(1) keeps
	user     string // whose crontab
	isDropIn bool   // a drop-in, which must not exist yet
}

// NeedsDaemonReload reports whether systemd has to read its units again after this edit.
func (e Edit) NeedsDaemonReload() bool { return e.isDropIn }

// PlanEdits makes the edits that wire some of the jobs found, one per file. Jobs without a line are left out; Line says why.
func (m Machine) PlanEdits(f *Result, wires []JobPing, w PingSettings) []Edit {
	commands := map[int]map[int]string{} // by table and line
	var units []Edit
	for _, wire := range wires {
		at, text, err := m.PingLine(wire, w)
		if err != nil {
			continue
		}
		if wire.Job.origin.unit != nil {
			units = append(units, Edit{Location: at, After: []byte(text), path: at, isDropIn: true})
			continue
		}
		place := wire.Job.origin
		if commands[place.tableIndex] == nil {
			commands[place.tableIndex] = map[int]string{}
		}
		commands[place.tableIndex][place.entry.lineNumber] = strings.TrimSuffix(strings.TrimPrefix(text, place.entry.prefix), place.entry.stdin)
	}
	var edits []Edit
	for i, t := range f.crontabs {
		if len(commands[i]) > 0 {
			after := replaceCommands(t.text, t.entries, commands[i])
			edits = append(edits, Edit{Location: t.displayName, Before: t.text, After: after, path: t.path, user: t.user})
		}
	}
	return append(edits, units...)
}

// Diff shows the edit the way diff -u0 does. Lines are only ever replaced one by
// one, so there is nothing to search for.
func (e Edit) Diff() string {
	var b strings.Builder
	before := "/dev/null"
	if !e.isDropIn {
		before = e.Location
	}
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", before, e.Location)
	after := bytes.Split(bytes.TrimSuffix(e.After, []byte("\n")), []byte("\n"))
	if e.isDropIn {
		fmt.Fprintf(&b, "@@ -0,0 +1,%d @@\n", len(after))
		for _, line := range after {
			fmt.Fprintf(&b, "+%s\n", line)
		}
		return b.String()
	}
	for i, line := range bytes.Split(bytes.TrimSuffix(e.Before, []byte("\n")), []byte("\n")) {
		if !bytes.Equal(line, after[i]) {
			fmt.Fprintf(&b, "@@ -%d +%d @@\n-%s\n+%s\n", i+1, i+1, line, after[i])
		}
	}
	return b.String()
}
