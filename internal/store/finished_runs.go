package store

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// encodeFinishedRuns returns finished runs as they are stored: for each its checksum and
// the time of its end in microseconds, in base 36, separated by spaces. It is NULL if
// there are none, as for all heartbeats whose pings have no run id.
func encodeFinishedRuns(runs []monitor.FinishedRunID) any {
	if len(runs) == 0 {
		return nil
	}
	b := make([]byte, 0, len(runs)*26)
	for _, run := range runs {
		b = append(strconv.AppendUint(b, run.Hash, 36), ' ')
		b = append(strconv.AppendInt(b, run.EndedAt.UnixMicro(), 36), ' ')
	}
	return string(b[:len(b)-1])
}

var errFinishedRuns = errors.New("its finished runs cannot be read")

// decodeFinishedRuns parses the result of encodeFinishedRuns.
func decodeFinishedRuns(text string) ([]monitor.FinishedRunID, error) {
	if text == "" {
		return nil, nil
	}
	fields := strings.Split(text, " ")
	if len(fields)%2 != 0 {
		return nil, errFinishedRuns
	}
	runs := make([]monitor.FinishedRunID, 0, len(fields)/2)
	for i := 0; i < len(fields); i += 2 {
		hash, err := strconv.ParseUint(fields[i], 36, 64)
		at, wrong := strconv.ParseInt(fields[i+1], 36, 64)
		if err != nil || wrong != nil {
			return nil, errFinishedRuns
		}
		runs = append(runs, monitor.FinishedRunID{Hash: hash, EndedAt: time.UnixMicro(at).UTC()})
	}
	return runs, nil
}
