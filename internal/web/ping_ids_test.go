package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// idSpellings returns an id in all spellings that jobs and people use.
func idSpellings(id string) []string {
	bare := strings.ReplaceAll(id, "-", "")
	return []string{id, bare, strings.ToUpper(id), strings.ToUpper(bare), strings.ReplaceAll(id, "-", "%2D")}
}

// expectNoID reports every id in a text, in every spelling.
func (w *fixture) expectNoID(what, text string, ids ...string) {
	w.Helper()
	for _, id := range ids {
		for _, spelling := range idSpellings(id) {
			if strings.Contains(text, spelling) {
				at := strings.Index(text, spelling)
				w.Errorf("%s holds an id: …%s", what, text[max(0, at-200):at+len(spelling)])
			}
		}
	}
}

// leakyProject returns a heartbeat whose texts contain its own id and those of
// others, with its incident and channel.
func (w *fixture) leakyProject(others ...monitor.Heartbeat) (monitor.Heartbeat, monitor.Incident, monitor.Channel, []string) {
	w.Helper()
	var ids []string
	for _, h := range others {
		ids = append(ids, h.ID)
	}
	c := w.createChannel("ops")
	h := w.createHeartbeat("leaky")
	ids = append(ids, h.ID)
	var all []string
	for _, id := range ids {
		all = append(all, idSpellings(id)...)
	}
	words := strings.Join(all, " ")
	_, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, manage.HeartbeatEdit{
		Name: new("leaky " + ids[0]), Description: &words, Tags: &ids,
	})
	if err != nil {
		w.Fatal(err)
	}
	w.ping(h, time.Minute, monitor.Ping{
		Kind: monitor.PingFail, ExitCode: 2, RunID: ids[0], UserAgent: "job " + ids[0], Body: []byte("+ curl " + testBaseURL + "/api/v1/hb/" + words), BodySize: 1 << 20,
	})
	i := w.newestIncident(h)
	w.recordDelivery(c, "refused", 400, "unknown "+words)
	if a := w.post("member", "/incidents/"+i.ID+"/notes", url.Values{"note": {"see " + words}}); a.code != 303 {
		w.Fatal(a.code, a.body)
	}
	return h, i, c, ids
}

func TestPages_HideIDsFromPeopleWhoCannotPing(t *testing.T) {
	onEach(t, func(w *fixture) {
		elsewhere, err := w.service.CreateHeartbeat(w.Context(), w.actor("stranger"), manage.HeartbeatEdit{Name: new("far"), Interval: new("1h")})
		if err != nil {
			w.Fatal(err)
		}
		h, i, c, ids := w.leakyProject(w.createHeartbeat("near"), elsewhere)
		th := resources{ref: h.Ref, incident: i.ID, channel: c.ID}
		seen := 0
		for _, rt := range w.site.routes() {
			if !strings.HasPrefix(rt.pattern, "GET ") || rt.isStream {
				continue
			}
			for _, who := range []string{"", "viewer", "stranger"} {
				a := w.get(who, th.path(rt.pattern))
				// The stranger owns the other project, and may see its ids.
				mine := ids
				if who == "stranger" {
					mine = []string{ids[0], ids[2]}
				}
				w.expectNoID(fmt.Sprintf("%s for %q", rt.pattern, who), a.body+fmt.Sprint(a.header), mine...)
				seen += strings.Count(a.body, "…")
			}
		}
		if seen < 20 {
			w.Errorf("only %d ids were replaced: do the pages show these texts at all?", seen)
		}
		w.expectHTML(w.get("member", "/heartbeats/"+h.Ref+"/pings/1/body"), 200, ids...)
		w.expectNoID("the log", w.log.String(), ids...)
	})
}

func TestStream_HidesIDsFromPeopleWhoCannotPing(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		h, i, _, ids := w.leakyProject(w.createHeartbeat("near"))
		var streams []*eventStream
		for _, path := range []string{"/heartbeats/" + h.Ref, "/incidents/" + i.ID, "/heartbeats", "/incidents"} {
			streams = append(streams, w.openStream("viewer", w.streamURL(w.get("viewer", path))))
		}
		words := "second " + strings.Join(idSpellings(ids[0]), " ") + " " + h.ID
		w.ping(h, 0, monitor.Ping{Kind: monitor.PingFail, ExitCode: 3, Body: []byte(words), UserAgent: words[:60]})
		if a := w.post("member", "/incidents/"+i.ID+"/notes", url.Values{"note": {words}}); a.code != 303 {
			w.Fatal(a.code)
		}
		w.site.Feed.Changed([]int64{h.Key})
		for n, text := range []string{`id="run-2"`, "second …", "leaky …", "leaky …"} {
			if n >= 2 {
				continue // lists send rows that changed; the pages above hold every text
			}
			w.expectNoID("a stream", streams[n].expectEvent("part", text), ids...)
		}
	})
}
