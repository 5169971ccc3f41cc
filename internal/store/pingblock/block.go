// Package pingblock is the only place that encodes pings as blocks: consecutive pings
// of one heartbeat, which are one row of the table ping_blocks. It is pure: package
// store reads and writes the rows.
//
// A block consists of columns that queries use, and of two byte strings. Format 1:
//
//	pings    varint   time of the first ping after Earliest
//	         Count records, each:
//	           byte   kind (3 bits), and which of these fields follow
//	           byte   if there are more fields: body, flags, host
//	           text   kind, if it is not one of the list kinds
//	           varint time after the previous ping
//	           texts  method, source, user agent, unless they are those of the previous ping
//	           varint exit code
//	           varint run time
//	           text   run id
//	           varint length of the body
//	           varint flags
//	           text   host (only in format 2)
//	         4 bytes  checksum of the bodies, if there are any
//	         4 bytes  checksum of the columns and of all bytes before
//	bodies   the bodies of all pings; NULL if there are none
//
// Times are microseconds, checksums are CRC-32C. A text is a number: n > 0 is the text
// number n of the dictionary, 0 a new text, whose length and bytes follow and which
// joins the dictionary. The dictionary of a new block contains presetTexts.
//
// Format 2 is format 1 with hosts. Only blocks with a host have it, so that earlier versions read
// all others.
//
// Bodies are separate from the rest, so that lists, which show none, do not read them.
package pingblock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"overdue/internal/monitor"
)

// The formats of new blocks. A change of the encoding needs another number, and the decoder keeps
// reading these.
const (
	Format          = 1
	FormatWithHosts = 2
)

// Limits of a block. The cleanup deletes whole blocks, so the first two also limit how many
// pings are kept in excess, and for how long.
const (
	MaxPings     = 50
	maxDuration  = time.Hour // from the earliest to the latest ping
	maxSize      = 4 << 10   // bytes of the encoded pings before the last one
	maxBodyBytes = 16 << 10  // bytes of the bodies, except for a block of one ping
)

// Block is a block as it is stored.
type Block struct {
	Heartbeat int64
	First     int64 // number of the first ping; the others follow without a gap
	Count     int64
	Earliest  int64 // times in microseconds; pings can be stored in another order than they arrived
	Latest    int64
	BodyBytes int64
	Format    int64
	Pings     []byte
	Bodies    []byte // nil if there are none, or if they were not read
}

// Last returns the number of the last ping.
func (b *Block) Last() int64 { return b.First + b.Count - 1 }

// ErrNewerFormat means that a newer version of Overdue wrote the block.
var ErrNewerFormat = errors.New("written in a newer format")

// ErrDamaged means that the content of a block does not match its checksum or format.
var ErrDamaged = errors.New("damaged")

// String names the block for people.
func (b *Block) String() string {
	if b.Count == 1 {
		return fmt.Sprintf("ping %d of heartbeat %d", b.First, b.Heartbeat)
	}
	return fmt.Sprintf("pings %d to %d of heartbeat %d", b.First, b.Last(), b.Heartbeat)
}

// The fields of a record, after the kind in the lowest three bits.
const (
	sameClient byte = 1 << (3 + iota)
	hasExitCode
	hasRunTime
	hasRunID
	hasMore

	kindMask  byte = 7
	otherKind byte = 7 // the kind is a text
)

// The fields in the second byte of a record.
const (
	hasBody byte = 1 << iota
	hasFlags
	hasHost
)

// kinds are the kinds of ping by their number in a record.
var kinds = []monitor.PingKind{monitor.PingSuccess, monitor.PingStart, monitor.PingFail, monitor.PingLog, monitor.PingIgnored}

// presetTexts are in the dictionary of every block of format 1.
var presetTexts = []string{"", "POST", "GET", "HEAD"}

// castagnoli is the table of CRC-32C, for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the checksum of the columns and the encoded pings, so that a changed
// column is noticed too. columns is a buffer, so that it allocates nothing.
func (b *Block) checksum(columns *[7 * 8]byte, pings []byte) uint32 {
	for i, n := range []int64{b.Heartbeat, b.First, b.Count, b.Earliest, b.Latest, b.BodyBytes, b.Format} {
		binary.LittleEndian.PutUint64(columns[8*i:], uint64(n))
	}
	return crc32.Update(crc32.Checksum(columns[:], castagnoli), castagnoli, pings)
}

// Filter selects pings.
type Filter struct {
	Kind   monitor.PingKind // empty: any
	Before int64            // lower numbers only; 0: any
	Since  time.Time        // arrival at or after it; zero: any
	Until  time.Time        // arrival before it; zero: any
}

// Matches reports whether the filter selects a ping.
func (f Filter) Matches(p *monitor.Ping) bool {
	return (f.Kind == "" || p.Kind == f.Kind) && (f.Before == 0 || p.Number < f.Before) &&
		!p.At.Before(f.Since) && (f.Until.IsZero() || p.At.Before(f.Until))
}

// MergeNewest merges two lists of pings of one heartbeat that are sorted by number,
// newest first.
func MergeNewest(a, b []monitor.Ping) []monitor.Ping {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	all := make([]monitor.Ping, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Number > b[0].Number {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
