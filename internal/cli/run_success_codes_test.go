package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestSuccessCodes_ListAndRangesDecideSuccess(t *testing.T) {
	for _, c := range []struct {
		list string
		exit string
		path string
		line string
	}{
		{"0,1", "0", "/0", ""},
		{"0,1", "1", "", "overdue run: exit code 1 counts as a success (--success-codes 0,1)\n"},
		{"0,1", "2", "/2", ""},
		{"0, 10-19 ,255", "10", "", "overdue run: exit code 10 counts as a success (--success-codes 0, 10-19 ,255)\n"},
		{"0, 10-19 ,255", "19", "", "overdue run: exit code 19 counts as a success (--success-codes 0, 10-19 ,255)\n"},
		{"0, 10-19 ,255", "20", "/20", ""},
		{"0, 10-19 ,255", "255", "", "overdue run: exit code 255 counts as a success (--success-codes 0, 10-19 ,255)\n"},
		{"1", "0", "/fail", "overdue run: exit code 0 counts as a failure (--success-codes 1)\n"},
		{"1", "1", "", "overdue run: exit code 1 counts as a success (--success-codes 1)\n"},
		{"", "1", "/1", ""},
	} {
		m := newFakeMonitor(t, nil)
		got := runScript("echo out; exit "+c.exit, "--success-codes", c.list)
		if want := map[string]int{"0": 0, "1": 1, "2": 2, "10": 10, "19": 19, "20": 20, "255": 255}[c.exit]; got != (commandResult{want, "out\n", ""}) {
			t.Errorf("%q: exit code %s came out as %+v", c.list, c.exit, got)
		}
		pings := m.received()
		last := pings[len(pings)-1]
		if last.path != c.path || last.body != "out\n"+c.line || last.rid != pings[0].rid || last.rid == "" {
			t.Errorf("%q: exit code %s is sent as %+v; want %q and %q", c.list, c.exit, last, c.path, c.line)
		}
	}
}

func TestSuccessCodes_InvalidListIsOnlyAWarning(t *testing.T) {
	for list, reason := range map[string]string{
		"0,x":   `"x" is not an exit code: write numbers from 0 to 255, separated by commas`,
		"0,,1":  `"" is not an exit code`,
		"256":   `"256" is not an exit code`,
		"-1":    `"" is not an exit code`,
		"3-1":   "the range 3-1 must begin with the smaller number",
		"1-2-3": `"2-3" is not an exit code`,
	} {
		m := newFakeMonitor(t, nil)
		got := runScript("echo out; exit 1", "--success-codes="+list)
		if got.code != 1 || got.out != "out\n" || !strings.Contains(got.err, reason) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%q: %+v; want the job run, and %q in one line", list, got, reason)
		}
		if !slices.Equal(m.paths(), []string{"/start", "/1"}) {
			t.Errorf("%q: received %v; want a failure, as without the list", list, m.paths())
		}
	}
}

func TestSuccessCodes_CommandThatDidNotStartIsAFailure(t *testing.T) {
	m := newFakeMonitor(t, nil)
	if got := runOverdue(backend{}, "run", anID, "--success-codes", "0-255", "--", "no-such-command"); got.code != 127 {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(m.paths(), []string{"/127"}) {
		t.Errorf("received %v; want a failure", m.paths())
	}
}

func TestSuccessCodes_LineFollowsTheEndOfALongOutput(t *testing.T) {
	m := newFakeMonitor(t, nil)
	runScript("head -c 200000 /dev/zero | tr '\\0' x; exit 1", "--success-codes", "0,1")
	pings := m.received()
	body := pings[len(pings)-1].body
	if len(body) != 100_000 || !strings.HasSuffix(body, "x\noverdue run: exit code 1 counts as a success (--success-codes 0,1)\n") {
		t.Errorf("body of %d bytes ends with %q", len(body), body[max(0, len(body)-80):])
	}
}
