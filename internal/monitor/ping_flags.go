package monitor

import "strings"

// PingFlags mark what is unusual about a ping. The zero value marks nothing.
type PingFlags uint8

// The flags. Their names are part of the API.
const (
	BodyTruncated    PingFlags = 1 << iota // the body was longer than the stored maximum
	BodyTimeout                            // the rest of the body did not arrive in time
	BodyAborted                            // the connection closed within the body
	StartAfterFinish                       // a start that arrived after the end of its run; it starts nothing
	Delayed                                // the request waited while the server was suspended; At is its arrival
)

// PingFlagNames lists the names of the flags, from the lowest bit.
var PingFlagNames = []string{"body_truncated", "body_timeout", "body_aborted", "run_finished", "delayed"}

// Names returns the names of the set flags, or nil if none is set.
func (f PingFlags) Names() []string {
	var names []string
	for i, name := range PingFlagNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names separated by commas, as they are stored.
func (f PingFlags) String() string { return strings.Join(f.Names(), ",") }

// ParsePingFlags parses the result of String. It ignores unknown names, because a newer version may
// have written them.
func ParsePingFlags(text string) PingFlags {
	var f PingFlags
	for i, name := range PingFlagNames {
		if strings.Contains(","+text+",", ","+name+",") {
			f |= 1 << i
		}
	}
	return f
}
