package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/pingurl"
)

// pingRequest is the content of a ping URL.
type pingRequest struct {
	id string
	runClaims
}

// noExitCode is the exit code of a ping that reports none.
const noExitCode = monitor.NoExitCode

// parsePingURL parses the path and the query of a ping. Its errors are sentences for
// the author of the URL.
func parsePingURL(path, query string) (pingRequest, error) {
	f := pingRequest{runClaims: newRunClaims()}
	rest, _ := pingurl.Cut(path)
	id, signal, more := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	// Only the form with hyphens is accepted: one heartbeat has one URL.
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != 36 {
		return f, fmt.Errorf("malformed id: a heartbeat's id looks like 123e4567-e89b-42d3-a456-426614174000; copy the ping URL again")
	}
	f.id = parsed.String()
	if more {
		if f.outcomeClaim, err = parseSignal(signal); err != nil {
			return f, err
		}
	}
	if query == "" {
		return f, nil
	}
	return f, f.readParameters(query, false)
}

// parseSignal parses the part after the id.
func parseSignal(s string) (outcomeClaim, error) {
	c, known := outcomeWords[s]
	if known {
		c.exit = noExitCode
	} else {
		exit, err := strconv.Atoi(s)
		if err != nil || exit < 0 || exit > 255 || s != strconv.Itoa(exit) {
			return c, fmt.Errorf("malformed signal: the path after the id must be empty, /start, /fail, /log or an exit code from 0 to 255")
		}
		c, _ = exitCodeClaim(s)
	}
	c.word = "/" + s
	return c, nil
}

// kindAndExit returns the kind of the ping and the exit code. The default is a success.
func (f pingRequest) kindAndExit() (monitor.PingKind, int) {
	if f.kind == "" {
		return monitor.PingSuccess, noExitCode
	}
	return f.kind, f.exit
}
