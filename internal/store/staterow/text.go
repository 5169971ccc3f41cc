package staterow

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// encodeRunState returns the run history and the failure count of a heartbeat as they
// are stored: numbers in the order of decodeRunState, empty for zero, times in
// microseconds relative to the first. It is one text, because separate columns would make
// the row, which every ping writes, half as long again. It is NULL while no ping was ever
// expected.
func encodeRunState(h *monitor.Heartbeat) sql.NullString {
	l, tail := h.History, h.History.Latest
	if h.CountedFrom.IsZero() && h.EarlySlot.IsZero() && h.FailedRuns == 0 && h.Tolerated == (monitor.ToleratedRuns{}) && l == (monitor.RunHistory{}) {
		return sql.NullString{}
	}
	b := make([]byte, 0, 96)
	var base int64
	if !l.DecidedUntil.IsZero() {
		base = l.DecidedUntil.UnixMicro()
		b = strconv.AppendInt(b, base, 10)
	}
	when := func(t time.Time) {
		b = append(b, ' ')
		if !t.IsZero() {
			b = strconv.AppendInt(b, t.UnixMicro()-base, 10)
		}
	}
	number := func(n int64) {
		b = append(b, ' ')
		if n != 0 {
			b = strconv.AppendInt(b, n, 10)
		}
	}
	when(h.EarlySlot)
	number(int64(h.FailedRuns))
	when(h.Tolerated.LastSlot)
	number(int64(h.Tolerated.Count))
	if tail.Count > 0 {
		b = append(append(b, ' '), tail.Outcome...)
		when(tail.First)
		when(tail.Last)
		number(tail.Count)
		number(tail.LateBy.Microseconds())
		when(tail.LastPing)
	}
	return sql.NullString{String: string(b), Valid: true}
}

var errRunState = errors.New("invalid run state")

// decodeRunState parses the result of encodeRunState. If it is NULL, an earlier version
// wrote the row, and all slots up to the last ping have their outcome.
func decodeRunState(h *monitor.Heartbeat, text sql.NullString) error {
	h.History, h.EarlySlot, h.FailedRuns, h.Tolerated = monitor.RunHistory{}, time.Time{}, 0, monitor.ToleratedRuns{}
	if !text.Valid {
		h.History.DecidedUntil = h.CountedFrom
		return nil
	}
	fields := strings.Split(text.String, " ")
	if len(fields) != 5 && len(fields) != 11 {
		return errRunState
	}
	var wrong error
	number := func(i int) int64 {
		if fields[i] == "" {
			return 0
		}
		n, err := strconv.ParseInt(fields[i], 10, 64)
		wrong = errors.Join(wrong, err)
		return n
	}
	base := number(0)
	when := func(i int) time.Time {
		if fields[i] == "" {
			return time.Time{}
		}
		return time.UnixMicro(base + number(i)).UTC()
	}
	if fields[0] != "" {
		h.History.DecidedUntil = time.UnixMicro(base).UTC()
	}
	h.EarlySlot, h.FailedRuns = when(1), int(number(2))
	h.Tolerated = monitor.ToleratedRuns{LastSlot: when(3), Count: int(number(4))}
	if len(fields) == 11 {
		h.History.Latest = monitor.Span{
			Outcome: monitor.Outcome(fields[5]), First: when(6), Last: when(7), Count: number(8), LateBy: micros(number(9)), LastPing: when(10),
		}
	}
	return wrong
}

// encodeFinishedRuns returns finished runs as they are stored: for each its hash and
// the time of its end in microseconds, in base 36, separated by spaces. It is NULL if
// there are none, as for all heartbeats whose pings have no run id.
func encodeFinishedRuns(runs []monitor.FinishedRunID) sql.NullString {
	if len(runs) == 0 {
		return sql.NullString{}
	}
	b := make([]byte, 0, len(runs)*26)
	for _, run := range runs {
		b = append(strconv.AppendUint(b, run.Hash, 36), ' ')
		b = append(strconv.AppendInt(b, run.EndedAt.UnixMicro(), 36), ' ')
	}
	return sql.NullString{String: string(b[:len(b)-1]), Valid: true}
}

var errFinishedRuns = errors.New("invalid finished runs")

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

// encodeBlackoutState returns the state as it is stored: numbers in the order of
// decodeBlackoutState, times and durations in microseconds. It is NULL for most
// heartbeats.
func encodeBlackoutState(s monitor.BlackoutState) sql.NullString {
	if s == (monitor.BlackoutState{}) {
		return sql.NullString{}
	}
	var from, to int64
	if s.RestartedAfter.Key > 0 {
		from, to = s.RestartedAfter.From.UnixMicro(), s.RestartedAfter.To.UnixMicro()
	}
	text := fmt.Sprintf("%d %d %d %d %d %d", s.Applied, s.Credit.Microseconds(), s.Unwatched.Microseconds(), s.RestartedAfter.Key, from, to)
	return sql.NullString{String: text, Valid: true}
}

var errBlackoutState = errors.New("invalid blackout state")

// decodeBlackoutState parses the result of encodeBlackoutState.
func decodeBlackoutState(text sql.NullString) (s monitor.BlackoutState, err error) {
	if !text.Valid {
		return s, nil
	}
	var n [6]int64
	fields := strings.Split(text.String, " ")
	if len(fields) != len(n) {
		return s, errBlackoutState
	}
	for i, f := range fields {
		if n[i], err = strconv.ParseInt(f, 10, 64); err != nil {
			return s, errors.Join(errBlackoutState, err)
		}
	}
	s = monitor.BlackoutState{Applied: n[0], Credit: micros(n[1]), Unwatched: micros(n[2])}
	if n[3] > 0 {
		s.RestartedAfter = monitor.Blackout{Key: n[3], From: time.UnixMicro(n[4]).UTC(), To: time.UnixMicro(n[5]).UTC()}
	}
	return s, nil
}

// micros returns a stored duration.
func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
