package ingest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// Prefix is the path below which pings go.
const Prefix = "/api/v1/hb/"

// form is what the address of a ping says.
type form struct {
	id    string
	kind  monitor.PingKind
	exit  int
	runID string
}

// parse reads the path behind Prefix and the query. Its errors are sentences
// for whoever wrote the address.
func parse(path, query string) (form, error) {
	f := form{kind: monitor.Success, exit: monitor.NoExitCode}
	id, signal, more := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, Prefix), "/"), "/")
	// Only the usual form with hyphens: one heartbeat has one address.
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != 36 {
		return f, fmt.Errorf("malformed id: a heartbeat's id looks like 123e4567-e89b-42d3-a456-426614174000; copy the ping URL again")
	}
	f.id = parsed.String()
	if more {
		if err := f.signal(signal); err != nil {
			return f, err
		}
	}
	if query == "" {
		return f, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return f, fmt.Errorf("malformed query: %v", err)
	}
	if rid := values.Get("rid"); values.Has("rid") {
		run, err := uuid.Parse(rid)
		if err != nil || len(rid) != 36 {
			return f, fmt.Errorf("malformed rid: it must be a UUID such as 123e4567-e89b-42d3-a456-426614174000, the same for a start and its finish")
		}
		f.runID = run.String()
	}
	return f, nil
}

// signal reads what follows the id.
func (f *form) signal(s string) error {
	switch s {
	case "start":
		f.kind = monitor.Start
	case "fail":
		f.kind = monitor.Fail
	case "log":
		f.kind = monitor.Log
	default:
		exit, err := strconv.Atoi(s)
		if err != nil || exit < 0 || exit > 255 || s != strconv.Itoa(exit) {
			return fmt.Errorf("malformed signal: after the id comes nothing, /start, /fail, /log or an exit code from 0 to 255")
		}
		f.exit = exit
		if exit != 0 {
			f.kind = monitor.Fail
		}
	}
	return nil
}
