package discover

import (
	"bytes"
	"fmt"
	"strings"
)

// Wire says that a job is to ping this URL.
type Wire struct {
	Job Job
	URL string
}

// Line is what makes the job ping: the whole new line of its crontab, or the text
// of a drop-in. at says where it belongs. An error says why there is no such line.
func (m Machine) Line(wire Wire, w Wiring) (at, text string, err error) {
	j := wire.Job
	if !j.Open() {
		return "", "", fmt.Errorf("%s: is not to be wired", j.Source)
	}
	if j.place.unit != nil {
		return w.dropIn(m, j.place.unit, wire.URL)
	}
	command, err := w.wrap(j.place.entry, wire.URL, j.place.direct)
	if err != nil {
		return "", "", err
	}
	e := j.place.entry
	return fmt.Sprintf("%s, line %d", j.Source, j.Line), e.head + command + e.input, nil
}

// Edit is a file before and after. A drop-in has no before.
type Edit struct {
	Shown         string // where, for people
	Before, After []byte

	path string // of the file; "" for a crontab that crontab(1) keeps
	user string // whose crontab
	unit bool   // a drop-in, which must not exist yet
}

// IsUnit reports whether systemd has to read its units again after this edit.
func (e Edit) IsUnit() bool { return e.unit }

// Plan makes the edits that wire some of the jobs found, one per file. Jobs without a line are left out; Line says why.
func (m Machine) Plan(f *Found, wires []Wire, w Wiring) []Edit {
	commands := map[int]map[int]string{} // by table and line
	var units []Edit
	for _, wire := range wires {
		at, text, err := m.Line(wire, w)
		if err != nil {
			continue
		}
		if wire.Job.place.unit != nil {
			units = append(units, Edit{Shown: at, After: []byte(text), path: at, unit: true})
			continue
		}
		place := wire.Job.place
		if commands[place.table] == nil {
			commands[place.table] = map[int]string{}
		}
		commands[place.table][place.entry.number] = strings.TrimSuffix(strings.TrimPrefix(text, place.entry.head), place.entry.input)
	}
	var edits []Edit
	for i, t := range f.tables {
		if len(commands[i]) > 0 {
			after := rewritten(t.text, t.entries, commands[i])
			edits = append(edits, Edit{Shown: t.shown, Before: t.text, After: after, path: t.path, user: t.user})
		}
	}
	return append(edits, units...)
}

// Diff shows the edit the way diff -u0 does. Lines are only ever replaced one by
// one, so there is nothing to search for.
func (e Edit) Diff() string {
	var b strings.Builder
	before := "/dev/null"
	if !e.unit {
		before = e.Shown
	}
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", before, e.Shown)
	after := bytes.Split(bytes.TrimSuffix(e.After, []byte("\n")), []byte("\n"))
	if e.unit {
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
