package present

import (
	"context"
	"encoding/csv"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// CSVFile is a CSV response (RFC 4180), sent while its rows are read.
type CSVFile struct {
	W       http.ResponseWriter
	R       *http.Request
	Logger  *slog.Logger
	Name    string // of the file, without ".csv"
	Header  []string
	started bool
	csv     *csv.Writer
}

// WriteRows writes rows. The first call starts the response: until then, an error can
// still be answered with a page.
func (f *CSVFile) WriteRows(rows [][]string) error {
	if !f.started {
		h := f.W.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="`+f.Name+`.csv"`)
		f.W.WriteHeader(http.StatusOK)
		f.started, f.csv = true, csv.NewWriter(f.W)
		f.csv.UseCRLF = true
		rows = append([][]string{slices.Clone(f.Header)}, rows...)
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = escapeFormula(cell)
		}
	}
	return f.csv.WriteAll(rows)
}

// Finish ends the file. If rows are missing, the last line says so: a file that just
// stops looks complete. ctx is the context of the request, err the error of reading.
func (f *CSVFile) Finish(ctx context.Context, more bool, err error) error {
	switch {
	case err != nil && !f.started:
		return err
	case ctx.Err() != nil:
		return nil // the browser disconnected
	case err != nil:
		f.Logger.Error("CSV file incomplete", "error", err, "path", f.R.Pattern, "request_id", httpd.RequestID(f.R))
		return f.WriteRows([][]string{{"The remaining rows could not be read. Download the file again."}})
	case more:
		return f.WriteRows([][]string{{"Rows are missing: a file has at most " + strconv.Itoa(manage.MaxExportRows) + " rows."}})
	}
	return nil
}

// separatedFormula is a character that begins a formula, after one that can separate
// cells.
var separatedFormula = regexp.MustCompile(`([;\t])([=+\-@|%＝＋－＠])`)

// escapeFormula marks a cell that a spreadsheet would run as a formula as text.
func escapeFormula(cell string) string {
	// In many languages, spreadsheets separate cells with semicolons.
	cell = separatedFormula.ReplaceAllString(cell, "${1}'${2}")
	// Some spreadsheets treat the full-width forms of these characters alike.
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// csvTime formats a time in RFC 3339 with milliseconds, and the zero time as "".
func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// csvSeconds formats a duration in seconds.
func csvSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// EventHeader are the columns of EventRow.
var EventHeader = []string{"number", "time", "kind", "seconds", "exit_status", "method", "from", "client", "run", "body_bytes", "host"}

// EventRow returns the CSV row of a ping.
func EventRow(p monitor.Ping) []string {
	took, exit := "", ""
	if p.HasRunTime {
		took = csvSeconds(p.RunTime)
	}
	if p.ExitCode >= 0 {
		exit = strconv.Itoa(p.ExitCode)
	}
	return []string{
		strconv.FormatInt(p.Number, 10), csvTime(p.At), string(p.Kind), took, exit, p.Method, p.Source, p.UserAgent, p.RunID, strconv.FormatInt(p.BodySize, 10), p.Host,
	}
}

// IncidentHeader are the columns of IncidentRow.
var IncidentHeader = []string{
	"number", "heartbeat", "severity", "state", "cause", "opened", "noticed", "acknowledged", "acknowledged_by", "resolved", "resolution", "seconds_down",
}

// IncidentRow returns the CSV row of an incident.
func IncidentRow(i monitor.Incident, now time.Time) []string {
	end := i.ResolvedAt
	if end.IsZero() {
		end = now
	}
	return []string{
		strconv.FormatInt(i.Number, 10), i.HeartbeatName, string(i.Severity), string(i.State()), string(i.Cause), csvTime(i.OpenedAt), csvTime(i.DetectedAt),
		csvTime(i.AcknowledgedAt), i.AcknowledgedBy, csvTime(i.ResolvedAt), string(i.Resolution), csvSeconds(end.Sub(i.OpenedAt)),
	}
}
