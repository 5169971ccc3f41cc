package ingest

import (
	"strings"
	"testing"

	"overdue/internal/monitor"
)

const someID = "123e4567-e89b-42d3-a456-426614174000"

func TestEveryFormOfAPingIsUnderstood(t *testing.T) {
	const run = "0f8fad5b-d9cb-469f-a165-70867728950e"
	for _, c := range []struct {
		path, query string
		want        form
	}{
		{someID, "", form{kind: monitor.Success, exit: monitor.NoExitCode}},
		{someID + "/", "", form{kind: monitor.Success, exit: monitor.NoExitCode}},
		{strings.ToUpper(someID), "", form{kind: monitor.Success, exit: monitor.NoExitCode}},
		{someID + "/start", "", form{kind: monitor.Start, exit: monitor.NoExitCode}},
		{someID + "/start/", "rid=" + run, form{kind: monitor.Start, exit: monitor.NoExitCode, runID: run}},
		{someID + "/fail", "", form{kind: monitor.Fail, exit: monitor.NoExitCode}},
		{someID + "/log", "", form{kind: monitor.Log, exit: monitor.NoExitCode}},
		{someID + "/0", "", form{kind: monitor.Success, exit: 0}},
		{someID + "/1", "", form{kind: monitor.Fail, exit: 1}},
		{someID + "/255", "rid=" + strings.ToUpper(run), form{kind: monitor.Fail, exit: 255, runID: run}},
		{someID, "utm_source=mail", form{kind: monitor.Success, exit: monitor.NoExitCode}},
	} {
		c.want.id = someID
		if got, err := parse(Prefix+c.path, c.query); err != nil || got != c.want {
			t.Errorf("parse(%q, %q) = %+v, %v; want %+v", c.path, c.query, got, err, c.want)
		}
	}
}

func TestWhatIsMalformedIsNamed(t *testing.T) {
	for _, c := range []struct{ path, query, names string }{
		{"", "", "id"},
		{"nonsense", "", "id"},
		{"123e4567e89b42d3a456426614174000", "", "id"},
		{"{" + someID + "}", "", "id"},
		{"urn:uuid:" + someID, "", "id"},
		{someID + "x", "", "id"},
		{someID + "/256", "", "exit code"},
		{someID + "/-1", "", "exit code"},
		{someID + "/007", "", "exit code"},
		{someID + "/+1", "", "exit code"},
		{someID + "/stop", "", "signal"},
		{someID + "/start/start", "", "signal"},
		{someID + "//", "", "signal"},
		{someID, "rid=", "rid"},
		{someID, "rid=7", "rid"},
		{someID, "rid=" + someID + "0", "rid"},
		{someID, "rid=%zz", "query"},
	} {
		_, err := parse(Prefix+c.path, c.query)
		if err == nil || !strings.Contains(err.Error(), c.names) || strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("parse(%q, %q): %v; want one line that names the %s", c.path, c.query, err, c.names)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Prefix+someID+"/start", "rid="+someID)
	f.Add(Prefix, "a=%")
	f.Fuzz(func(t *testing.T, path, query string) {
		got, err := parse(path, query)
		if err == nil && (len(got.id) != 36 || got.exit < -1 || got.exit > 255) {
			t.Errorf("parse(%q, %q) = %+v", path, query, got)
		}
	})
}
