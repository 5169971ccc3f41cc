package staterow

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// encodeHosts returns the column hosts, NULL if it is empty: the host of the newest run, and a line for
// each host that counts separately, with its name and its newest report and success as µs in base 36. Hosts
// contain no line breaks and tabs.
func encodeHosts(h *monitor.Heartbeat) sql.NullString {
	if len(h.Hosts) == 0 {
		return sql.NullString{String: h.LastHost, Valid: h.LastHost != ""}
	}
	b := make([]byte, 0, 32+48*len(h.Hosts))
	b = append(b, h.LastHost...)
	for _, s := range h.Hosts {
		b = append(append(append(b, '\n'), s.Name...), '\t')
		b = append(strconv.AppendInt(b, s.At.UnixMicro(), 36), '\t')
		if !s.Success.IsZero() {
			b = strconv.AppendInt(b, s.Success.UnixMicro(), 36)
		}
	}
	return sql.NullString{String: string(b), Valid: true}
}

var errHosts = errors.New("invalid hosts")

// decodeHosts sets what encodeHosts encoded.
func decodeHosts(h *monitor.Heartbeat, text string) error {
	h.LastHost, h.Hosts = text, nil
	last, list, found := strings.Cut(text, "\n")
	if !found {
		return nil
	}
	h.LastHost = last
	for line := range strings.SplitSeq(list, "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != 3 {
			return errHosts
		}
		s := monitor.HostState{Name: fields[0]}
		for i, t := range []*time.Time{&s.At, &s.Success} {
			if fields[i+1] == "" {
				continue
			}
			us, err := strconv.ParseInt(fields[i+1], 36, 64)
			if err != nil {
				return errHosts
			}
			*t = time.UnixMicro(us).UTC()
		}
		h.Hosts = append(h.Hosts, s)
	}
	return nil
}
