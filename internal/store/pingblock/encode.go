package pingblock

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"overdue/internal/monitor"
)

// maxLookups limits how many texts of the dictionary are compared with a new one, so
// that blocks with many different texts need no more time per ping than others.
const maxLookups = 16

// Encoder encodes pings as blocks. The zero value is ready to use.
type Encoder struct {
	blocks []Block
	data   []byte // the memory of Pings and Bodies of all blocks

	open     Block // the block that gets the next ping; Count is 0 if there is none
	records  []byte
	bodies   []byte
	texts    []string     // the dictionary of the open block
	previous monitor.Ping // in the open block
	first    int64        // time of the first ping in the open block
	columns  [7 * 8]byte  // see checksum
}

// Add adds a ping. The pings of a heartbeat that follow each other with consecutive
// numbers share blocks. Texts are stored as they are; the caller replaces invalid ones.
func (e *Encoder) Add(heartbeat int64, p *monitor.Ping) {
	at := p.At.UnixMicro()
	if e.open.Count > 0 && !e.fits(heartbeat, p, at) {
		e.close()
	}
	if e.open.Count == 0 {
		e.open = Block{Heartbeat: heartbeat, First: p.Number, Earliest: at, Latest: at, Format: Format}
		e.texts = append(e.texts[:0], presetTexts...)
		e.records, e.bodies, e.first = e.records[:0], e.bodies[:0], at
		e.previous = monitor.Ping{At: p.At}
	}
	e.appendRecord(p, at)
	e.open.Count++
	e.open.Earliest, e.open.Latest = min(e.open.Earliest, at), max(e.open.Latest, at)
	e.open.BodyBytes += int64(len(p.Body))
	e.bodies = append(e.bodies, p.Body...)
	e.previous = *p
}

// fits reports whether a ping belongs to the open block.
func (e *Encoder) fits(heartbeat int64, p *monitor.Ping, at int64) bool {
	return heartbeat == e.open.Heartbeat && p.Number == e.open.Last()+1 && e.open.Count < MaxPings &&
		max(at, e.open.Latest)-min(at, e.open.Earliest) <= maxDuration.Microseconds() && len(e.records) < maxSize && (len(p.Body) == 0 || len(e.bodies)+len(p.Body) <= maxBodyBytes)
}

// appendRecord encodes a ping.
func (e *Encoder) appendRecord(p *monitor.Ping, at int64) {
	kind, more := otherKind, byte(0)
	if i := slices.Index(kinds, p.Kind); i >= 0 {
		kind = byte(i)
	}
	tag := kind
	if p.Method == e.previous.Method && p.Source == e.previous.Source && p.UserAgent == e.previous.UserAgent {
		tag |= sameClient
	}
	if p.ExitCode != monitor.NoExitCode {
		tag |= hasExitCode
	}
	if p.HasRunTime {
		tag |= hasRunTime
	}
	if p.RunID != "" {
		tag |= hasRunID
	}
	if len(p.Body) > 0 {
		more |= hasBody
	}
	if p.Flags != 0 {
		more |= hasFlags
	}
	if p.Host != "" {
		more |= hasHost
		e.open.Format = FormatWithHosts
	}
	if more != 0 {
		e.records = append(e.records, tag|hasMore, more)
	} else {
		e.records = append(e.records, tag)
	}
	if kind == otherKind {
		e.appendText(string(p.Kind))
	}
	e.records = binary.AppendVarint(e.records, at-e.previous.At.UnixMicro())
	e.appendFields(p, tag, more)
}

// appendFields encodes the fields of a ping that its tags name.
func (e *Encoder) appendFields(p *monitor.Ping, tag, more byte) {
	if tag&sameClient == 0 {
		e.appendText(p.Method)
		e.appendText(p.Source)
		e.appendText(p.UserAgent)
	}
	if tag&hasExitCode != 0 {
		e.records = binary.AppendVarint(e.records, int64(p.ExitCode))
	}
	if tag&hasRunTime != 0 {
		e.records = binary.AppendVarint(e.records, p.RunTime.Microseconds())
	}
	if tag&hasRunID != 0 {
		e.appendText(p.RunID)
	}
	if more&hasBody != 0 {
		e.records = binary.AppendUvarint(e.records, uint64(len(p.Body)))
	}
	if more&hasFlags != 0 {
		e.records = binary.AppendUvarint(e.records, uint64(p.Flags))
	}
	if more&hasHost != 0 {
		e.appendText(p.Host)
	}
}

// appendText encodes a text as its number in the dictionary, or adds it.
func (e *Encoder) appendText(s string) {
	for i := range presetTexts {
		if e.texts[i] == s {
			e.records = binary.AppendUvarint(e.records, uint64(i+1))
			return
		}
	}
	for i := len(e.texts) - 1; i >= max(len(presetTexts), len(e.texts)-maxLookups); i-- {
		if e.texts[i] == s {
			e.records = binary.AppendUvarint(e.records, uint64(i+1))
			return
		}
	}
	e.records = append(e.records, 0)
	e.records = binary.AppendUvarint(e.records, uint64(len(s)))
	e.records = append(e.records, s...)
	e.texts = append(e.texts, s)
}

// close ends the open block.
func (e *Encoder) close() {
	b := e.open
	start := len(e.data)
	e.data = binary.AppendVarint(e.data, e.first-b.Earliest)
	e.data = append(e.data, e.records...)
	if len(e.bodies) > 0 {
		e.data = binary.LittleEndian.AppendUint32(e.data, crc32.Checksum(e.bodies, castagnoli))
	}
	e.data = binary.LittleEndian.AppendUint32(e.data, b.checksum(&e.columns, e.data[start:]))
	b.Pings = e.data[start:len(e.data):len(e.data)]
	if len(e.bodies) > 0 {
		start = len(e.data)
		e.data = append(e.data, e.bodies...)
		b.Bodies = e.data[start:len(e.data):len(e.data)]
	}
	e.blocks = append(e.blocks, b)
	e.open = Block{}
}

// Blocks returns all blocks.
func (e *Encoder) Blocks() []Block {
	if e.open.Count > 0 {
		e.close()
	}
	return e.blocks
}
