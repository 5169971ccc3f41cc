package store

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// The ledger of a heartbeat, and the streak that it is part of, are one text:
// they change with every ping, and columns of their own would make the row that
// is written most often half as long again. Numbers in the order of decodeRunState,
// an empty one for none, moments in microseconds before or after the first.

// encodeRunState is how a ledger is stored, NULL while nothing was ever expected.
func encodeRunState(h monitor.Heartbeat) any {
	l, tail := h.History, h.History.Latest
	if h.CountedFrom.IsZero() && h.EarlySlot.IsZero() && h.FailedRuns == 0 && h.Tolerated == (monitor.ToleratedRuns{}) && l == (monitor.RunHistory{}) {
		return nil
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
	return string(b)
}

var errRunState = errors.New("its ledger cannot be read")

// decodeRunState fills in what encodeRunState wrote. Where there is none, because an
// older program wrote the row, all up to the last ping is decided.
func decodeRunState(h monitor.Heartbeat, text sql.NullString) (monitor.Heartbeat, error) {
	if !text.Valid {
		h.History.DecidedUntil = h.CountedFrom
		return h, nil
	}
	fields := strings.Split(text.String, " ")
	if len(fields) != 5 && len(fields) != 11 {
		return h, errRunState
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
			Outcome: monitor.Outcome(fields[5]), First: when(6), Last: when(7), Count: number(8), LateBy: durationFromMicros(number(9)), LastPing: when(10),
		}
	}
	return h, wrong
}
