package store

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// finishedText returns finished runs as they are stored: for each its checksum and
// the time of its end in microseconds, in base 36, separated by spaces. It is NULL if
// there are none, as for all heartbeats whose pings have no run id.
func finishedText(runs []monitor.FinishedRun) any {
	if len(runs) == 0 {
		return nil
	}
	b := make([]byte, 0, len(runs)*26)
	for _, run := range runs {
		b = append(strconv.AppendUint(b, run.Hash, 36), ' ')
		b = append(strconv.AppendInt(b, run.At.UnixMicro(), 36), ' ')
	}
	return string(b[:len(b)-1])
}

var errFinished = errors.New("its finished runs cannot be read")

// readFinished parses the result of finishedText.
func readFinished(text string) ([]monitor.FinishedRun, error) {
	if text == "" {
		return nil, nil
	}
	fields := strings.Split(text, " ")
	if len(fields)%2 != 0 {
		return nil, errFinished
	}
	runs := make([]monitor.FinishedRun, 0, len(fields)/2)
	for i := 0; i < len(fields); i += 2 {
		hash, err := strconv.ParseUint(fields[i], 36, 64)
		at, wrong := strconv.ParseInt(fields[i+1], 36, 64)
		if err != nil || wrong != nil {
			return nil, errFinished
		}
		runs = append(runs, monitor.FinishedRun{Hash: hash, At: time.UnixMicro(at).UTC()})
	}
	return runs, nil
}
