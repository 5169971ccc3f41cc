package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// Prefix is the path below which pings go.
const Prefix = "/api/v1/hb/"

// pingRequest is what a request says about a ping.
type pingRequest struct {
	id string
	runClaims
}

// noExit is short for the exit code of a ping that reports none.
const noExit = monitor.NoExitCode

// parsePingURL reads the path behind Prefix and the query. Its errors are sentences
// for whoever wrote the address.
func parsePingURL(path, query string) (pingRequest, error) {
	f := pingRequest{runClaims: newRunClaims()}
	id, signal, more := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, Prefix), "/"), "/")
	// Only the usual form with hyphens: one heartbeat has one address.
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

// parseSignal reads what follows the id.
func parseSignal(s string) (outcomeClaim, error) {
	c, known := outcomeWords[s]
	if known {
		c.exit = noExit
	} else {
		exit, err := strconv.Atoi(s)
		if err != nil || exit < 0 || exit > 255 || s != strconv.Itoa(exit) {
			return c, fmt.Errorf("malformed signal: after the id comes nothing, /start, /fail, /log or an exit code from 0 to 255")
		}
		c, _ = exitCodeClaim(s)
	}
	c.word = "/" + s
	return c, nil
}

// kindAndExit returns the kind of ping and the exit code: a success if nothing says more.
func (f pingRequest) kindAndExit() (monitor.PingKind, int) {
	if f.kind == "" {
		return monitor.PingSuccess, noExit
	}
	return f.kind, f.exit
}
