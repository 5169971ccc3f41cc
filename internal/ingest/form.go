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

// form is what a request says about a ping.
type form struct {
	id string
	claims
}

// noExit is short for the exit code of a ping that reports none.
const noExit = monitor.NoExitCode

// parse reads the path behind Prefix and the query. Its errors are sentences
// for whoever wrote the address.
func parse(path, query string) (form, error) {
	f := form{claims: newClaims()}
	id, signal, more := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, Prefix), "/"), "/")
	// Only the usual form with hyphens: one heartbeat has one address.
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != 36 {
		return f, fmt.Errorf("malformed id: a heartbeat's id looks like 123e4567-e89b-42d3-a456-426614174000; copy the ping URL again")
	}
	f.id = parsed.String()
	if more {
		if f.claim, err = readSignal(signal); err != nil {
			return f, err
		}
	}
	if query == "" {
		return f, nil
	}
	return f, f.readParameters(query, false)
}

// readSignal reads what follows the id.
func readSignal(s string) (claim, error) {
	c, known := outcomes[s]
	if known {
		c.exit = noExit
	} else {
		exit, err := strconv.Atoi(s)
		if err != nil || exit < 0 || exit > 255 || s != strconv.Itoa(exit) {
			return c, fmt.Errorf("malformed signal: after the id comes nothing, /start, /fail, /log or an exit code from 0 to 255")
		}
		c, _ = exitClaim(s)
	}
	c.word = "/" + s
	return c, nil
}

// ping returns the kind of ping and the exit code: a success if nothing says more.
func (f form) ping() (monitor.PingKind, int) {
	if f.kind == "" {
		return monitor.Success, noExit
	}
	return f.kind, f.exit
}
