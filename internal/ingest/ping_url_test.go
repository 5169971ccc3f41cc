package ingest

import (
	"strings"
	"testing"

	"overdue/internal/monitor"
	"overdue/internal/pingurl"
)

const someID = "123e4567-e89b-42d3-a456-426614174000"

// meaning is the meaning of a request in a form that tests can compare.
type meaning struct {
	kind  monitor.PingKind
	exit  int
	runID string
}

// meaning returns the meaning of a request.
func (f pingRequest) meaning() meaning {
	kind, exit := f.kindAndExit()
	return meaning{kind, exit, f.runID}
}

func TestParsePingURL_ReadsEveryForm(t *testing.T) {
	const run = "0f8fad5b-d9cb-469f-a165-70867728950e"
	for _, c := range []struct {
		path, query string
		want        meaning
	}{
		{someID, "", meaning{monitor.PingSuccess, noExitCode, ""}},
		{someID + "/", "", meaning{monitor.PingSuccess, noExitCode, ""}},
		{strings.ToUpper(someID), "", meaning{monitor.PingSuccess, noExitCode, ""}},
		{someID + "/start", "", meaning{monitor.PingStart, noExitCode, ""}},
		{someID + "/start/", "rid=" + run, meaning{monitor.PingStart, noExitCode, run}},
		{someID + "/fail", "", meaning{monitor.PingFail, noExitCode, ""}},
		{someID + "/log", "", meaning{monitor.PingLog, noExitCode, ""}},
		{someID + "/0", "", meaning{monitor.PingSuccess, 0, ""}},
		{someID + "/1", "", meaning{monitor.PingFail, 1, ""}},
		{someID + "/255", "rid=" + strings.ToUpper(run), meaning{monitor.PingFail, 255, run}},
		{someID, "utm_source=mail", meaning{monitor.PingSuccess, noExitCode, ""}},
	} {
		got, err := parsePingURL(pingurl.For("", "")+c.path, c.query)
		if err != nil || got.meaning() != c.want || got.id != someID {
			t.Errorf("parse(%q, %q) = %s %+v, %v; want %+v", c.path, c.query, got.id, got.meaning(), err, c.want)
		}
	}
}

// Each row is a request of a client of another monitor, below the ping URL.
func TestParsePingURL_ReadsTheWordsOfOtherMonitors(t *testing.T) {
	for _, c := range []struct {
		product, below string
		want           meaning
	}{
		{"Uptime Kuma", "?status=up&msg=OK&ping=", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"Uptime Kuma", "?status=down&msg=disk%20full&ping=12", meaning{monitor.PingFail, noExitCode, ""}},
		{"Cronitor", "?state=run&series=8f14e45f&stamp=1700000000.1&env=prod", meaning{monitor.PingStart, noExitCode, "8f14e45f"}},
		{"Cronitor", "?state=complete&series=8f14e45f&metric=duration:100&metric=error_count:3", meaning{monitor.PingSuccess, noExitCode, "8f14e45f"}},
		{"Cronitor", "?state=fail&status_code=2&message=x", meaning{monitor.PingFail, 2, ""}},
		{"Cronitor", "?state=complete&status_code=2", meaning{monitor.PingFail, 2, ""}},
		{"Cronitor", "?state=ok", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"Cronitor", "?state=tick", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"Cronitor hook", "/run", meaning{monitor.PingStart, noExitCode, ""}},
		{"Cronitor hook", "/complete", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"Cronhub", "/finish", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"Sentry", "?status=in_progress&check_in_id=0123456789abcdef0123456789abcdef", meaning{monitor.PingStart, noExitCode, "0123456789abcdef0123456789abcdef"}},
		{"Sentry", "?status=error&check_in_id=00000000000000000000000000000000&environment=prod", meaning{monitor.PingFail, noExitCode, ""}},
		{"Sentry", "?status=ok", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"Dead Man's Snitch", "?m=done&s=0", meaning{monitor.PingSuccess, 0, ""}},
		{"Dead Man's Snitch", "?m=done&s=", meaning{monitor.PingSuccess, 0, ""}},
		{"Dead Man's Snitch", "?s=3", meaning{monitor.PingFail, 3, ""}},
		{"GitHub Actions", "?status=success", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"GitHub Actions", "?status=completed&conclusion=failure", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "?exit_code=1", meaning{monitor.PingFail, 1, ""}},
		{"scripts", "?exitcode=-1073741510", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "?rc=256", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "?success=false", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "?failed=0", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"scripts", "?fail", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "?start", meaning{monitor.PingStart, noExitCode, ""}},
		{"scripts", "?STATUS=Down", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "?st%61tus=d%6Fwn", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "/down", meaning{monitor.PingFail, noExitCode, ""}},
		{"scripts", "/success", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"scripts", "/ok", meaning{monitor.PingSuccess, noExitCode, ""}},
		{"scripts", "/3?status=down", meaning{monitor.PingFail, 3, ""}},
		{"scripts", "/0?status=up", meaning{monitor.PingSuccess, 0, ""}},
	} {
		path, query, _ := strings.Cut(c.below, "?")
		got, err := parsePingURL(pingurl.For("", "")+someID+path, query)
		if err != nil || got.meaning() != c.want {
			t.Errorf("%s: %s is %+v, %v; want %+v", c.product, c.below, got.meaning(), err, c.want)
		}
	}
}

func TestParsePingURL_RejectsUnknownOutcomesAndContradictionsWithASentence(t *testing.T) {
	for below, names := range map[string]string{
		"?status=degraded":           "status must be one of up, ok",
		"?status=":                   "status must be",
		"?status=0":                  "status must be",
		"?state=cancelled":           "state must be",
		"?exit_code=none":            "exit code",
		"?s=foo":                     "s must be",
		"?success=perhaps":           "true, false",
		"?error=disk+full":           "error must be",
		"?status=firing":             "status must be",
		"/fail?status=up":            "contradiction",
		"/0?exit_code=1":             "contradiction",
		"/1?exit_code=2":             "contradiction",
		"/start?state=complete":      "contradiction",
		"?status=up&status=down":     "contradiction",
		"?status=ok&success=false":   "contradiction",
		"?state=complete&status=run": "contradiction",
		"?status=a%0Ab%00" + strings.Repeat("c", 9000): "status must be",
	} {
		path, query, _ := strings.Cut(below, "?")
		_, err := parsePingURL(pingurl.For("", "")+someID+path, query)
		if err == nil || !strings.Contains(err.Error(), names) || strings.ContainsAny(err.Error(), "\n\x00") || len(err.Error()) > 300 {
			t.Errorf("%.60s: %v; want one short line with %q", below, err, names)
		}
	}
}

func TestParsePingURL_OtherParametersNeverRejectAPing(t *testing.T) {
	for _, query := range []string{
		"msg=disk%2095%", "a;b", "msg=a;b=c", "%zz=%zz", "&&&", "=", "a=1&a=2&a=3", "msg=" + strings.Repeat("x", 1<<20),
		"rid=", "rid=%20", "series=", "metric=duration:3&metric=count:4", "status_page=down", "down=12.5&up=3", "start=1700000000",
		"statuses=fail", "m=fail", "msg=status=down", "\xff=\xff",
	} {
		got, err := parsePingURL(pingurl.For("", "")+someID, query)
		if want := (meaning{monitor.PingSuccess, noExitCode, ""}); err != nil || got.meaning() != want {
			t.Errorf("%.40q: %+v, %v; want a success", query, got.meaning(), err)
		}
	}
}

func TestParsePingURL_AnyRunIDPairsAStartWithItsFinish(t *testing.T) {
	kept := map[string]string{}
	for _, rid := range []string{
		"7", "nightly 3", "a;b", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("x", 66), "a%00b", "%ff", "%zz", "a%0Ab", "ABC", "abc",
	} {
		start, errStart := parsePingURL(pingurl.For("", "")+someID+"/start", "rid="+rid)
		finish, errFinish := parsePingURL(pingurl.For("", "")+someID+"/1", "rid="+rid+"&rid=other")
		if errStart != nil || errFinish != nil || start.runID == "" || len(start.runID) > maxRunID || strings.ContainsAny(start.runID, "\x00\n") {
			t.Errorf("rid %.20q: %q, %v, %v", rid, start.runID, errStart, errFinish)
		}
		if start.runID != finish.runID {
			t.Errorf("rid %.20q: started as %q, finished as %q", rid, start.runID, finish.runID)
		}
		if other, twice := kept[start.runID]; twice {
			t.Errorf("rid %.20q and %.20q are both kept as %q", rid, other, start.runID)
		}
		kept[start.runID] = rid
	}
	both, err := parsePingURL(pingurl.For("", "")+someID, "check_in_id=c&series=b&rid=a")
	if err != nil || both.runID != "a" {
		t.Errorf("with rid and the ids of others: %q, %v; want that of rid", both.runID, err)
	}
}

func TestParsePingURL_NamesWhatIsMalformed(t *testing.T) {
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
	} {
		_, err := parsePingURL(pingurl.For("", "")+c.path, c.query)
		if err == nil || !strings.Contains(err.Error(), c.names) || strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("parse(%q, %q): %v; want one line that names the %s", c.path, c.query, err, c.names)
		}
	}
}

// The plain form of a ping costs nothing.
func TestParsePingURL_APlainPingNeedsOneAllocation(t *testing.T) {
	path := pingurl.For("", "") + someID
	if n := testing.AllocsPerRun(100, func() {
		if _, err := parsePingURL(path, ""); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations; want one, for the id", n)
	}
}

func FuzzParsePingURL(f *testing.F) {
	f.Add(pingurl.For("", "")+someID+"/start", "rid="+someID)
	f.Add(pingurl.For("", "")+someID, "status=down&rid=%")
	f.Add(pingurl.For("", ""), "a=%")
	f.Fuzz(func(t *testing.T, path, query string) {
		got, err := parsePingURL(path, query)
		kind, exit := got.kindAndExit()
		if err == nil && (len(got.id) != 36 || exit < -1 || exit > 255 || len(got.runID) > maxRunID || kind == "") {
			t.Errorf("parse(%q, %q) = %+v", path, query, got)
		}
	})
}

func TestParsePingURL_ReadsTheHost(t *testing.T) {
	long := strings.Repeat("h", 150)
	for query, want := range map[string]string{
		"host=web1":                           "web1",
		"HOST=web1&rid=x":                     "web1",
		"host=web1.example.org%3A8080":        "web1.example.org:8080",
		"host=+web1+":                         "web1",
		"host=Gr%C3%B6%C3%9Fe%20Nord":         "Größe Nord",
		"host=" + long[:100]:                  long[:100],
		"host=web1&host=web2":                 "web1",
		"host=&host=web2":                     "web2",
		"host=":                               "",
		"host":                                "",
		"host=%20":                            "",
		"hosts=web1":                          "",
		"host=" + long:                        strings.Repeat("h", 83) + "~",
		"host=a%0Ab":                          "a_b~",
		"host=a%E2%80%AEb":                    "a_b~",
		"host=a%E2%80%8Bb":                    "a_b~",
		"host=a%FFb":                          "a_b~",
		"host=100%&rid=1":                     "100%",
		"host=" + strings.Repeat("é", 60):     strings.Repeat("é", 41) + "~",
		"host=web1&message=" + long + "%zz;x": "web1",
	} {
		got, err := parsePingURL(pingurl.For("", "")+someID, query)
		matches := got.host == want
		if strings.Contains(want, "~") { // a checksum follows
			prefix, _, _ := strings.Cut(want, "~")
			matches = strings.HasPrefix(got.host, prefix+"~") && len(got.host) == len(prefix)+17
		}
		if kind, _ := got.kindAndExit(); err != nil || !matches || kind != monitor.PingSuccess {
			t.Errorf("%q: host %q, %s, %v; want %q and a success", query, got.host, kind, err, want)
		}
	}
}

// Names that are replaced stay different, because a host that looks like another one would hide
// that it no longer runs.
func TestHostName_DifferentHostsStayDifferent(t *testing.T) {
	long := strings.Repeat("h", 150)
	seen := map[string]string{}
	for _, text := range []string{"a_b", "a\nb", "a\tb", "a\u202eb", "a\xffb", "a\xfeb", long, long + "x", long + "y"} {
		got := hostName(text)
		if other, twice := seen[got]; twice {
			t.Errorf("%q and %q are both %q", other, text, got)
		}
		if seen[got] = text; len(got) > maxHost || hostName(got) != got {
			t.Errorf("%q is %q, which has %d bytes and becomes %q", text, got, len(got), hostName(got))
		}
	}
}
