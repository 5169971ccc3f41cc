package web

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// file is a table in the making, as a browser keeps it (RFC 4180). It goes out
// while it is read.
type file struct {
	v     *visit
	name  string
	head  []string
	begun bool
	w     *csv.Writer
}

// rows writes some rows. The first ones begin the answer, so that what goes
// wrong before them is still told by a page.
func (f *file) rows(rows [][]string) error {
	if !f.begun {
		h := f.v.w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="`+f.name+`.csv"`)
		f.v.w.WriteHeader(http.StatusOK)
		f.begun, f.w = true, csv.NewWriter(f.v.w)
		f.w.UseCRLF = true
		rows = append([][]string{f.head}, rows...)
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = harmless(cell)
		}
	}
	return f.w.WriteAll(rows)
}

// end closes the file. What is missing from it is said in its last line, since a
// file that merely stops looks complete.
func (f *file) end(more bool, err error) error {
	switch {
	case err != nil && !f.begun:
		return err
	case f.v.ctx().Err() != nil:
		return nil // nobody waits for the rest
	case err != nil:
		f.v.site.Log.Error("file not complete", "error", err, "path", f.v.r.Pattern, "request_id", httpd.RequestID(f.v.r))
		return f.rows([][]string{{"The rest could not be read. Download it again."}})
	case more:
		return f.rows([][]string{{"There are more: a file has at most " + strconv.Itoa(manage.MostExported) + " rows."}})
	}
	return nil
}

// harmless keeps a spreadsheet from taking what a stranger sent for a formula.
func harmless(cell string) string {
	// Some spreadsheets read the full-width forms of these signs as the signs.
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// moment writes a moment as programs and spreadsheets read it, empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// seconds writes a duration.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// downloadEvents sends the event log of a heartbeat as a file.
func downloadEvents(v *visit) error {
	h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	f := &file{v: v, name: h.Slug + "-events", head: []string{"number", "time", "kind", "seconds", "exit_status", "method", "from", "client", "run", "body_bytes"}}
	more, err := v.site.Desk.ExportEvents(v.ctx(), v.actor, h.Ref, v.r.URL.Query().Get("kind"), func(part []monitor.Ping) error {
		rows := make([][]string, 0, len(part))
		for _, p := range part {
			rows = append(rows, eventRow(p))
		}
		return f.rows(rows)
	})
	return f.end(more, err)
}

// eventRow is one event of the file.
func eventRow(p monitor.Ping) []string {
	took, exit := "", ""
	if p.HasRun {
		took = seconds(p.RunTime)
	}
	if p.ExitCode >= 0 {
		exit = strconv.Itoa(p.ExitCode)
	}
	return []string{
		strconv.FormatInt(p.N, 10), moment(p.At), string(p.Kind), took, exit, p.Method, p.Source, p.UserAgent, p.RunID, strconv.FormatInt(p.BodySize, 10),
	}
}

// downloadIncidents sends the incidents that the list is narrowed to as a file.
func downloadIncidents(v *visit) error {
	filter := incidentFilter(v.r.URL.Query())
	f := &file{
		v: v, name: v.actor.Project.Slug + "-incidents",
		head: []string{"number", "heartbeat", "state", "cause", "opened", "noticed", "acknowledged", "acknowledged_by", "resolved", "resolution", "seconds_down"},
	}
	more, err := v.site.Desk.ExportIncidents(v.ctx(), v.actor, manage.IncidentListQuery{State: filter.State, Cause: filter.Cause, Text: filter.Query},
		func(part []monitor.Incident) error {
			rows := make([][]string, 0, len(part))
			for _, i := range part {
				rows = append(rows, v.incidentRow(i))
			}
			return f.rows(rows)
		})
	return f.end(more, err)
}

// incidentRow is one incident of the file.
func (v *visit) incidentRow(i monitor.Incident) []string {
	end := i.ResolvedAt
	if end.IsZero() {
		end = v.now
	}
	return []string{
		strconv.FormatInt(i.Number, 10), i.HeartbeatName, string(i.State()), string(i.Cause), moment(i.Opened), moment(i.Detected),
		moment(i.AcknowledgedAt), i.AcknowledgedBy, moment(i.ResolvedAt), string(i.Resolution), seconds(end.Sub(i.Opened)),
	}
}
