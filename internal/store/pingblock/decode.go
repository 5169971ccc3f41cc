package pingblock

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"overdue/internal/monitor"
)

// Decode returns the pings of the block, oldest first. They have bodies if the block
// has. If the block is damaged, it returns the pings before the damage, as far as it
// can be located, and ErrDamaged.
func (b *Block) Decode() ([]monitor.Ping, error) {
	if b.Format != Format && b.Format != FormatWithHosts {
		return nil, fmt.Errorf("%s: format %d: %w", b, b.Format, ErrNewerFormat)
	}
	content, bodySum, intact := b.verify()
	d := decoder{data: content, texts: append(make([]string, 0, 16), presetTexts...), bodies: b.Bodies, bodyBytes: b.BodyBytes, hosts: b.Format == FormatWithHosts}
	at := b.Earliest + d.varint()
	pings := make([]monitor.Ping, 0, max(0, min(b.Count, MaxPings)))
	var previous monitor.Ping
	for n := b.First; n <= b.Last(); n++ {
		p := d.record(&previous)
		if at += d.delta; d.failed || at < b.Earliest || at > b.Latest {
			d.failed = true
			break
		}
		p.Number, p.At = n, time.UnixMicro(at).UTC()
		pings = append(pings, p)
		previous = p
	}
	if b.Bodies != nil && crc32.Checksum(b.Bodies, castagnoli) != bodySum {
		intact = false
	}
	if !intact || d.failed || len(d.data) > 0 || d.bodyBytes != 0 {
		return pings, fmt.Errorf("%s: %w", b, ErrDamaged)
	}
	return pings, nil
}

// Verify is Decode for a block that was read with its bodies. It also returns ErrDamaged
// if the bodies are missing.
func (b *Block) Verify() ([]monitor.Ping, error) {
	pings, err := b.Decode()
	if err == nil && b.BodyBytes > 0 && b.Bodies == nil {
		err = fmt.Errorf("%s: %w: no bodies", b, ErrDamaged)
	}
	return pings, err
}

// verify compares the checksum of the block, and returns its content without checksums,
// and the checksum of the bodies.
func (b *Block) verify() (content []byte, bodySum uint32, intact bool) {
	content, sum, intact := cutChecksum(b.Pings)
	var columns [7 * 8]byte
	if intact = intact && b.checksum(&columns, content) == sum; b.BodyBytes > 0 {
		var found bool
		content, bodySum, found = cutChecksum(content)
		intact = intact && found
	}
	return content, bodySum, intact && (b.Bodies == nil || int64(len(b.Bodies)) == b.BodyBytes)
}

// cutChecksum cuts the checksum at the end of data.
func cutChecksum(data []byte) (rest []byte, sum uint32, found bool) {
	n := len(data) - 4
	if n < 0 {
		return nil, 0, false
	}
	return data[:n], binary.LittleEndian.Uint32(data[n:]), true
}

// decoder reads the content of a block.
type decoder struct {
	data      []byte // that is not read yet
	texts     []string
	bodies    []byte // that are not read yet; nil if the block was read without them
	bodyBytes int64  // of the pings that are not read yet
	hosts     bool   // the format has hosts
	delta     int64  // time of the record after the previous one
	failed    bool   // the content is not that of a block
}

// record reads a ping, except its number and time.
func (d *decoder) record(previous *monitor.Ping) monitor.Ping {
	p := monitor.Ping{ExitCode: monitor.NoExitCode, Method: previous.Method, Source: previous.Source, UserAgent: previous.UserAgent}
	tag, more := d.byte(), byte(0)
	if tag&hasMore != 0 {
		more = d.byte()
	}
	switch kind := tag & kindMask; {
	case kind == otherKind:
		p.Kind = monitor.PingKind(d.text())
	case int(kind) < len(kinds):
		p.Kind = kinds[kind]
	default:
		d.failed = true
	}
	d.delta = d.varint()
	if tag&sameClient == 0 {
		p.Method, p.Source, p.UserAgent = d.text(), d.text(), d.text()
	}
	if tag&hasExitCode != 0 {
		p.ExitCode = int(d.varint())
	}
	if tag&hasRunTime != 0 {
		p.HasRunTime, p.RunTime = true, time.Duration(d.varint())*time.Microsecond
	}
	if tag&hasRunID != 0 {
		p.RunID = d.text()
	}
	if more&hasBody != 0 {
		d.body(&p)
	}
	if more&hasFlags != 0 {
		p.Flags = monitor.PingFlags(d.uvarint())
	}
	if more&hasHost != 0 && d.hosts {
		p.Host = d.text()
		more &^= hasHost
	}
	d.failed = d.failed || more&^(hasBody|hasFlags) != 0
	return p
}

// body reads the length of a body, and the body.
func (d *decoder) body(p *monitor.Ping) {
	p.BodySize = int64(d.uvarint())
	if p.BodySize <= 0 || p.BodySize > d.bodyBytes {
		d.failed = true
		return
	}
	d.bodyBytes -= p.BodySize
	if d.bodies == nil {
		return
	}
	if p.BodySize > int64(len(d.bodies)) {
		d.failed = true
		return
	}
	p.Body, d.bodies = d.bodies[:p.BodySize:p.BodySize], d.bodies[p.BodySize:]
}

// byte reads a byte.
func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.failed = true
		return 0
	}
	first := d.data[0]
	d.data = d.data[1:]
	return first
}

// varint reads a number with a sign.
func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.data)
	d.skip(size)
	return n
}

// uvarint reads a number without a sign.
func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.data)
	d.skip(size)
	return n
}

// skip skips a number of the given size. The size is not positive if there was no valid
// number: then the decoder fails.
func (d *decoder) skip(size int) {
	if size <= 0 {
		d.failed, d.data = true, nil
		return
	}
	d.data = d.data[size:]
}

// text reads a text.
func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.texts)) {
		d.failed = true
		return ""
	}
	if n > 0 {
		return d.texts[n-1]
	}
	size := d.uvarint()
	if size > uint64(len(d.data)) {
		d.failed = true
		return ""
	}
	s := string(d.data[:size])
	d.data = d.data[size:]
	d.texts = append(d.texts, s)
	return s
}
