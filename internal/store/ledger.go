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
// is written most often half as long again. Numbers in the order of readLedger,
// an empty one for none, moments in microseconds before or after the first.

// ledgerText is how a ledger is stored, NULL while nothing was ever expected.
func ledgerText(h monitor.Heartbeat) any {
	l, tail := h.Ledger, h.Ledger.Tail
	if h.From.IsZero() && h.Slot.IsZero() && h.Bad == 0 && h.Lapsed == (monitor.Lapsed{}) && l == (monitor.Ledger{}) {
		return nil
	}
	b := make([]byte, 0, 96)
	var base int64
	if !l.Until.IsZero() {
		base = l.Until.UnixMicro()
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
	when(h.Slot)
	number(int64(h.Bad))
	when(h.Lapsed.Slot)
	number(int64(h.Lapsed.Runs))
	if tail.Count > 0 {
		b = append(append(b, ' '), tail.Outcome...)
		when(tail.First)
		when(tail.Last)
		number(tail.Count)
		number(tail.LateBy.Microseconds())
		when(tail.At)
	}
	return string(b)
}

var errLedger = errors.New("its ledger cannot be read")

// readLedger fills in what ledgerText wrote. Where there is none, because an
// older program wrote the row, all up to the last ping is decided.
func readLedger(h monitor.Heartbeat, text sql.NullString) (monitor.Heartbeat, error) {
	if !text.Valid {
		h.Ledger.Until = h.From
		return h, nil
	}
	fields := strings.Split(text.String, " ")
	if len(fields) != 5 && len(fields) != 11 {
		return h, errLedger
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
		h.Ledger.Until = time.UnixMicro(base).UTC()
	}
	h.Slot, h.Bad = when(1), int(number(2))
	h.Lapsed = monitor.Lapsed{Slot: when(3), Runs: int(number(4))}
	if len(fields) == 11 {
		h.Ledger.Tail = monitor.Stretch{
			Outcome: monitor.Outcome(fields[5]), First: when(6), Last: when(7), Count: number(8), LateBy: span(number(9)), At: when(10),
		}
	}
	return h, wrong
}
