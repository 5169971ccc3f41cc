package web

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
)

// csvRows returns the rows of a CSV response without the header.
func (w *fixture) csvRows(a response, name string) [][]string {
	w.Helper()
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || a.code != 200 || len(rows) == 0 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") ||
		a.header.Get("Content-Disposition") != `attachment; filename="`+name+`.csv"` {
		w.Fatalf("%d %v %v %s", a.code, a.header, err, a.body)
	}
	return rows[1:]
}

func TestDownloadEvents_AppliesTheFilter(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 2*time.Minute, monitor.Ping{UserAgent: "=HYPERLINK(\"https://evil.example\")"})
		w.ping(h, time.Minute, monitor.Ping{Kind: monitor.PingFail, ExitCode: 3, UserAgent: "curl, \"8\"", Body: []byte("log")})
		page := w.get("viewer", "/heartbeats/"+h.Ref+"?kind=fail")
		path := w.linkIn(page, regexp.MustCompile(`href="([^"]+)" download>Download CSV`))
		if got := w.csvRows(w.get("viewer", path), "backup-events"); len(got) != 1 || got[0][2] != "fail" || got[0][4] != "3" || got[0][7] != `curl, "8"` || got[0][9] != "3" {
			w.Errorf("the failures: %q", got)
		}
		all := w.get("viewer", "/heartbeats/"+h.Ref+"/events.csv")
		if got := w.csvRows(all, "backup-events"); len(got) != 2 || got[0][0] != "2" || !strings.HasPrefix(got[1][7], "'=HYPERLINK") {
			w.Errorf("all: %q", got)
		}
		w.expectNone(all, h.ID)
		if a := w.get("stranger", "/heartbeats/"+h.Ref+"/events.csv"); a.code != 404 {
			w.Errorf("a stranger: %d", a.code)
		}
	})
}

func TestDownloadEvents_HasOnlyTheChosenDay(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 72*time.Hour, monitor.Ping{})
		w.ping(h, 48*time.Hour, monitor.Ping{Kind: monitor.PingFail})
		w.ping(h, 48*time.Hour-time.Minute, monitor.Ping{})
		w.ping(h, time.Minute, monitor.Ping{})
		q := url.Values{"kind": {"success"}, "day": {time.Now().UTC().Add(-48 * time.Hour).Format(time.DateOnly)}}
		page := w.get("viewer", "/heartbeats/"+h.Ref+"?"+q.Encode())
		w.expectHTML(page, 200, "Ping</span>", `<span class="vh">ping </span> #3</span>`)
		path := w.linkIn(page, regexp.MustCompile(`href="([^"]+)" download>Download CSV`))
		if got := w.csvRows(w.get("viewer", path), "backup-events"); len(got) != 1 || got[0][0] != "3" {
			w.Errorf("%s has the rows %q", path, got)
		}
	})
}

func TestDownloadIncidents_AppliesTheFilter(t *testing.T) {
	onEach(t, func(w *fixture) {
		h, i := w.failHeartbeat("+backup", time.Minute)
		w.failHeartbeat("other", time.Minute)
		if a := w.post("member", "/incidents/"+i.ID+"/acknowledge", nil); a.location() == "" {
			w.Fatal(a.code)
		}
		page := w.get("viewer", "/incidents?state=acknowledged&q=back")
		path := w.linkIn(page, regexp.MustCompile(`href="([^"]+)" download>Download CSV`))
		file := w.get("viewer", path)
		got := w.csvRows(file, "main-incidents")
		if len(got) != 1 || got[0][0] != fmt.Sprint(i.Number) || got[0][1] != "'+backup" || got[0][2] != "critical" || got[0][3] != "acknowledged" || got[0][8] != "member" {
			w.Errorf("%q", got)
		}
		w.expectNone(file, h.ID)
		if all := w.csvRows(w.get("viewer", "/incidents.csv?"+url.Values{"q": {""}}.Encode()), "main-incidents"); len(all) != 2 {
			w.Errorf("all: %q", all)
		}
		if none := w.csvRows(w.get("stranger", "/incidents.csv"), "elsewhere-incidents"); len(none) != 0 {
			w.Errorf("a stranger: %q", none)
		}
	})
}

func TestDownloadEvents_StreamsALongLog(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		const many = 501 // one more than are read at a time
		for i := range many {
			w.ping(h, time.Duration(many-i)*time.Second, monitor.Ping{})
		}
		got := w.csvRows(w.get("viewer", "/heartbeats/"+h.Ref+"/events.csv"), "backup-events")
		if len(got) != many || got[0][0] != "501" || got[many-1][0] != "1" {
			w.Errorf("%d rows", len(got))
		}
	})
}
