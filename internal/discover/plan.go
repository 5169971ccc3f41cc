package discover

import (
	"bytes"
	"fmt"
	"strings"

	"overdue/internal/discover/crontab"
)

// JobPing is a job with the URL that it should ping.
type JobPing struct {
	Job Job
	URL string
}

// PingLine returns the text that makes the job ping: the complete new line of its crontab, or the
// text of a drop-in. at is its location. The error says why there is no such line.
func (m Machine) PingLine(wire JobPing, w PingSettings) (at, text string, err error) {
	j := wire.Job
	if !j.Watchable() {
		return "", "", fmt.Errorf("%s: this job cannot be edited", j.Source)
	}
	if j.origin.unit != nil {
		return w.dropIn(m, j.origin.unit, wire.URL)
	}
	command, err := w.wrapCommand(j.origin.entry, wire.URL, j.origin.needsNoShell)
	if err != nil {
		return "", "", err
	}
	e := j.origin.entry
	return fmt.Sprintf("%s, line %d", j.Source, j.Line), e.Prefix + command + e.Stdin, nil
}

// Edit is a file before and after an edit. A drop-in has no content before.
type Edit struct {
	Location      string // for people
	Before, After []byte

	path     string // "" for a crontab that crontab(1) manages
	user     string // owner of the crontab
	isDropIn bool   // must not exist yet
}

// NeedsDaemonReload reports whether systemd must reload its units after this edit.
func (e Edit) NeedsDaemonReload() bool { return e.isDropIn }

// PlanEdits returns the edits for some of the jobs, one per file. Jobs without a line are skipped;
// PingLine says why.
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
		commands[place.tableIndex][place.entry.LineNumber] = strings.TrimSuffix(strings.TrimPrefix(text, place.entry.Prefix), place.entry.Stdin)
	}
	var edits []Edit
	for i, t := range f.crontabs {
		if len(commands[i]) > 0 {
			after := crontab.ReplaceCommands(t.text, t.entries, commands[i])
			edits = append(edits, Edit{Location: t.displayName, Before: t.text, After: after, path: t.path, user: t.user})
		}
	}
	return append(edits, units...)
}

// Diff formats the edit like diff -u0. Lines are only replaced one by one, so no search is
// necessary.
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
