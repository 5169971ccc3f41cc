package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// The layout of a file: a header of magic, epoch, salt, owner and checksum;
// then records of length, checksum and text. Numbers are little-endian.
const (
	magic              = "overdue1"
	headerLength       = len(magic) + 8 + 8 + 16 + 4
	recordHeaderLength = 4 + 4
)

// header begins a file.
type header struct {
	sequence uint64 // which of two files is the newer one
	salt     uint64 // drawn anew each time: tells records from those of earlier epochs
	owner    [16]byte
}

// appendHeader adds the header of a file.
func appendHeader(to []byte, h header) []byte {
	begin := len(to)
	to = append(to, magic...)
	to = binary.LittleEndian.AppendUint64(to, h.sequence)
	to = binary.LittleEndian.AppendUint64(to, h.salt)
	to = append(to, h.owner[:]...)
	return binary.LittleEndian.AppendUint32(to, checksum(0, 0, to[begin:]))
}

// readHeader reads it; ok tells whether it is one.
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

// appendRecord adds a record that begins at the given place of its file.
func appendRecord(to []byte, salt uint64, at int64, record []byte) []byte {
	to = binary.LittleEndian.AppendUint32(to, uint32(len(record)))
	to = binary.LittleEndian.AppendUint32(to, checksum(salt, at, record))
	return append(to, record...)
}

// readRecord reads the record at the given place; ok tells whether one is there.
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

// checksum is CRC-32C (RFC 3720, appendix B.4) of a text, where it stands and
// its length: neither zeros nor what an earlier epoch left is a record.
func checksum(salt uint64, at int64, text []byte) uint32 {
	var place [24]byte
	binary.LittleEndian.PutUint64(place[:], salt)
	binary.LittleEndian.PutUint64(place[8:], uint64(at))
	binary.LittleEndian.PutUint64(place[16:], uint64(len(text)))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, text)
}
