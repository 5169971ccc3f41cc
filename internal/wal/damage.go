package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Damage is a part of a file that cannot be read although it was once synced: records
// of the same segment follow it, or it is the header. Damage to the last record of a
// segment looks like a write that a crash interrupted, so it is not reported.
type Damage struct {
	File    string
	Offset  int64 // of the first unreadable byte
	Bytes   int64
	Records int // at least so many records; 0 if only the header is damaged
}

// String returns the size and the place of the damage, for operators.
func (d Damage) String() string {
	return fmt.Sprintf("%d bytes (records: at least %d) at byte %d of %s", d.Bytes, d.Records, d.Offset, d.File)
}

// sumStep is the distance of the positions whose checksums a recordFinder keeps.
const sumStep = 1 << 10

// powerStep is the number of powers in the first table of a recordFinder.
const powerStep = 1 << 12

// recordFinder finds records behind damage. The length of a damaged record can be
// wrong, so a record can begin at any byte, and can have any length up to the end of
// the file. To check each in constant time, it combines checksums of the beginnings of
// the file instead of reading each possible record.
type recordFinder struct {
	text      []byte
	salt      uint64
	sums      []uint32 // CRC-32C of the first n*sumStep bytes
	low, high []uint32 // x^(8n) and x^(8n*powerStep) modulo the polynomial
}

func newRecordFinder(text []byte, salt uint64) *recordFinder {
	f := &recordFinder{text: text, salt: salt, sums: []uint32{0}, low: []uint32{polynomialOne}, high: []uint32{polynomialOne}}
	for at := 0; at+sumStep <= len(text); at += sumStep {
		f.sums = append(f.sums, crc32.Update(f.sums[len(f.sums)-1], castagnoli, text[at:at+sumStep]))
	}
	for len(f.low) < powerStep {
		f.low = append(f.low, multiply(f.low[len(f.low)-1], polynomialByte))
	}
	step := multiply(f.low[powerStep-1], polynomialByte)
	for len(f.high) <= len(text)/powerStep {
		f.high = append(f.high, multiply(f.high[len(f.high)-1], step))
	}
	return f
}

// next returns the position of the first record at or after a position, or -1.
func (f *recordFinder) next(from int64) int64 {
	for at := from; at+recordHeaderLength <= int64(len(f.text)); at++ {
		header := binary.LittleEndian.Uint64(f.text[at:])
		if header == 0 { // zeros that no record was written to
			at = max(at, skipZeros(f.text, at+recordHeaderLength)-recordHeaderLength)
			continue
		}
		begin := at + recordHeaderLength
		length := int64(uint32(header))
		if length > int64(len(f.text))-begin {
			continue
		}
		if f.checksum(at, begin, length) == uint32(header>>32) {
			return at
		}
	}
	return -1
}

// skipZeros returns the position of the first byte at or after from that is not zero, or
// the length of the text.
func skipZeros(text []byte, from int64) int64 {
	for rest := text[from:]; len(rest) > 0; rest = text[from:] {
		block := rest[:min(len(rest), len(zeros))]
		if !bytes.Equal(block, zeros[:len(block)]) {
			return from + int64(bytes.IndexFunc(block, func(r rune) bool { return r != 0 }))
		}
		from += int64(len(block))
	}
	return from
}

// zeros is what skipZeros compares blocks with.
var zeros [4 << 10]byte

// checksum is the function of the same name, of length bytes from begin.
func (f *recordFinder) checksum(at, begin, length int64) uint32 {
	prefix := checksumPrefix(f.salt, at, int(length))
	shift := multiply(f.low[length%powerStep], f.high[length/powerStep])
	return multiply(shift, crc32.Checksum(prefix[:], castagnoli)^f.sum(begin)) ^ f.sum(begin+length)
}

// sum returns the checksum of the first n bytes.
func (f *recordFinder) sum(n int64) uint32 {
	return crc32.Update(f.sums[n/sumStep], castagnoli, f.text[n/sumStep*sumStep:n])
}

// The polynomials 1 and x^8, with the bits in the order of CRC-32C: the highest bit is
// the coefficient of x^0.
const (
	polynomialOne  = uint32(1) << 31
	polynomialByte = uint32(1) << (31 - 8)
)

// multiply multiplies two polynomials modulo that of CRC-32C. The checksum of a text
// after another one is x^(8n) times the checksum of the first, plus that of the second,
// which has n bytes.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		if a>>31 != 0 {
			product ^= b
		}
		b = b>>1 ^ crc32.Castagnoli&-(b&1)
	}
	return product
}

// countRecords returns the number of records between two positions, from their lengths.
// If these are damaged, it returns 1.
func countRecords(text []byte, from, to int64) int {
	n := 0
	for at := from; at+recordHeaderLength <= to; n++ {
		at += recordHeaderLength + int64(binary.LittleEndian.Uint32(text[at:]))
		if at == to {
			return n + 1
		}
	}
	return 1
}

// repairHeader reads a header in which one bit is wrong.
func repairHeader(text []byte) (h header, ok bool) {
	if len(text) < headerLength {
		return h, false
	}
	fixed := append([]byte(nil), text[:headerLength]...)
	for bit := range headerLength * 8 {
		fixed[bit/8] ^= 1 << (bit % 8)
		if h, ok = readHeader(fixed); ok {
			return h, true
		}
		fixed[bit/8] ^= 1 << (bit % 8)
	}
	return h, false
}
