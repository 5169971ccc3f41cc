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
	request *request
	name    string
	header  []string
	started bool
	w       *csv.Writer
}

// writeRows writes some rows. The first ones begin the answer, so that what goes
// wrong before them is still told by a page.
func (f *file) writeRows(rows [][]string) error {
	if !f.started {
		h := f.request.w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="`+f.name+`.csv"`)
		f.request.w.WriteHeader(http.StatusOK)
		f.started, f.w = true, csv.NewWriter(f.request.w)
		f.w.UseCRLF = true
		rows = append([][]string{f.header}, rows...)
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = escapeFormula(cell)
		}
	}
	return f.w.WriteAll(rows)
}

// finish closes the file. What is missing from it is said in its last line, since a
// file that merely stops looks complete.
func (f *file) finish(more bool, err error) error {
	switch {
	case err != nil && !f.started:
		return err
	case f.request.ctx().Err() != nil:
		return nil // nobody waits for the rest
	case err != nil:
		f.request.site.Logger.Error("file not complete", "error", err, "path", f.request.r.Pattern, "request_id", httpd.RequestID(f.request.r))
		return f.writeRows([][]string{{"The rest could not be read. Download it again."}})
	case more:
		return f.writeRows([][]string{{"There are more: a file has at most " + strconv.Itoa(manage.MaxExportRows) + " rows."}})
	}
	return nil
}

// escapeFormula keeps a spreadsheet from taking what a stranger sent for a formula.
func escapeFormula(cell string) string {
	// Some spreadsheets read the full-width forms of these signs as the signs.
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// csvTime writes a moment as programs and spreadsheets read it, empty for none.
func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// csvSeconds writes a duration.
func csvSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// downloadEvents sends the event log of a heartbeat as a file.
func downloadEvents(v *request) error {
	h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, v.r.PathValue("key"))
	if err != nil {
		return err
	}
	f := &file{request: v, name: h.Slug + "-events", header: []string{"number", "time", "kind", "seconds", "exit_status", "method", "from", "client", "run", "body_bytes"}}
	more, err := v.site.Service.ExportEvents(v.ctx(), v.actor, h.Ref, v.r.URL.Query().Get("kind"), func(part []monitor.Ping) error {
		rows := make([][]string, 0, len(part))
		for _, p := range part {
			rows = append(rows, EventRow(p))
		}
		return f.writeRows(rows)
	})
	return f.finish(more, err)
}

// EventRow is one event of the file.
func EventRow(p monitor.Ping) []string {
	took, exit := "", ""
	if p.HasRunTime {
		took = csvSeconds(p.RunTime)
	}
	if p.ExitCode >= 0 {
		exit = strconv.Itoa(p.ExitCode)
	}
	return []string{
		strconv.FormatInt(p.Number, 10), csvTime(p.At), string(p.Kind), took, exit, p.Method, p.Source, p.UserAgent, p.RunID, strconv.FormatInt(p.BodySize, 10),
	}
}

// downloadIncidents sends the incidents that the list is narrowed to as a file.
func downloadIncidents(v *request) error {
	filter := incidentFilter(v.r.URL.Query())
	f := &file{
		request: v, name: v.actor.Project.Slug + "-incidents",
		header: []string{"number", "heartbeat", "state", "cause", "opened", "noticed", "acknowledged", "acknowledged_by", "resolved", "resolution", "seconds_down"},
	}
	more, err := v.site.Service.ExportIncidents(v.ctx(), v.actor, manage.IncidentListQuery{State: filter.State, Cause: filter.Cause, Text: filter.Query},
		func(part []monitor.Incident) error {
			rows := make([][]string, 0, len(part))
			for _, i := range part {
				rows = append(rows, v.incidentRow(i))
			}
			return f.writeRows(rows)
		})
	return f.finish(more, err)
}

// incidentRow is one incident of the file.
func (v *request) incidentRow(i monitor.Incident) []string {
	end := i.ResolvedAt
	if end.IsZero() {
		end = v.now
	}
	return []string{
		strconv.FormatInt(i.Number, 10), i.HeartbeatName, string(i.State()), string(i.Cause), csvTime(i.OpenedAt), csvTime(i.DetectedAt),
		csvTime(i.AcknowledgedAt), i.AcknowledgedBy, csvTime(i.ResolvedAt), string(i.Resolution), csvSeconds(end.Sub(i.OpenedAt)),
	}
}
