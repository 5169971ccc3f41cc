package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// The layout of a segment: a header of magic, sequence, salt, owner and checksum;
// then records of length, checksum and text. Numbers are little-endian.
const (
	magic              = "overdue1"
	headerLength       = len(magic) + 8 + 8 + 16 + 4
	recordHeaderLength = 4 + 4
)

// header is the start of a segment.
type header struct {
	sequence uint64 // the segment with the higher number is newer
	salt     uint64 // random: tells records from those of earlier segments
	owner    [16]byte
}

// appendHeader appends the header of a segment.
func appendHeader(to []byte, h header) []byte {
	begin := len(to)
	to = append(to, magic...)
	to = binary.LittleEndian.AppendUint64(to, h.sequence)
	to = binary.LittleEndian.AppendUint64(to, h.salt)
	to = append(to, h.owner[:]...)
	return binary.LittleEndian.AppendUint32(to, checksum(0, 0, to[begin:]))
}

// readHeader reads a header. ok is false if the text is not a valid one.
func readHeader(text []byte) (h header, ok bool) {
	sum := headerLength - 4
	if len(text) < headerLength || string(text[:len(magic)]) != magic ||
		binary.LittleEndian.Uint32(text[sum:]) != checksum(0, 0, text[:sum]) {
		return h, false
	}
	h.sequence = binary.LittleEndian.Uint64(text[len(magic):])
	h.salt = binary.LittleEndian.Uint64(text[len(magic)+8:])
	copy(h.owner[:], text[len(magic)+16:])
	return h, true
}

// appendRecord appends a record that begins at the given position of its file.
func appendRecord(to []byte, salt uint64, at int64, record []byte) []byte {
	to = binary.LittleEndian.AppendUint32(to, uint32(len(record)))
	to = binary.LittleEndian.AppendUint32(to, checksum(salt, at, record))
	return append(to, record...)
}

// readRecord reads the record at the given position. ok is false if there is none.
func readRecord(text []byte, salt uint64, at int64) (record []byte, ok bool) {
	rest := text[at:]
	if len(rest) < recordHeaderLength {
		return nil, false
	}
	length := uint64(binary.LittleEndian.Uint32(rest))
	if length > uint64(len(rest)-recordHeaderLength) {
		return nil, false
	}
	record = rest[recordHeaderLength : recordHeaderLength+length]
	return record, binary.LittleEndian.Uint32(rest[4:]) == checksum(salt, at, record)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C (RFC 3720, appendix B.4) of a text with its segment,
// position and length, so that neither zeros nor leftovers of an earlier segment are
// valid records.
func checksum(salt uint64, at int64, text []byte) uint32 {
	prefix := checksumPrefix(salt, at, len(text))
	return crc32.Update(crc32.Checksum(prefix[:], castagnoli), castagnoli, text)
}

// checksumPrefix returns what a checksum covers before the text.
func checksumPrefix(salt uint64, at int64, length int) (prefix [24]byte) {
	binary.LittleEndian.PutUint64(prefix[:], salt)
	binary.LittleEndian.PutUint64(prefix[8:], uint64(at))
	binary.LittleEndian.PutUint64(prefix[16:], uint64(length))
	return prefix
}
