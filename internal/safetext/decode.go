package safetext

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Decode returns the output of a program as text. It recognizes UTF-16, which Windows programs
// write, by its byte order mark or, because a tail has none, by its zero bytes. Everything else is
// treated as UTF-8. The result can still contain bytes that are not valid text.
func Decode(b []byte) string {
	switch {
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		return decodeUTF16(b[2:], 0)
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		return decodeUTF16(b[2:], 1)
	case len(b) >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf:
		return string(b[3:])
	}
	if low, found := detectUTF16(b); found {
		return decodeUTF16(b, low)
	}
	return string(b)
}

// detectUTF16 detects UTF-16 without a byte order mark: in Latin text, every other byte is zero.
// low is the index of the non-zero byte in each pair.
func detectUTF16(b []byte) (low int, found bool) {
	const fewest = 4 // pairs; fewer are no evidence
	var zeros [2]int
	for i, c := range b[:len(b)&^1] {
		if c == 0 {
			zeros[i%2]++
		}
	}
	pairs := len(b) / 2
	if pairs < fewest {
		return 0, false
	}
	for low := range zeros {
		if zeros[1-low] > pairs/2 && zeros[low] <= pairs/100 {
			return low, true
		}
	}
	return 0, false
}

// decodeUTF16 decodes pairs whose low byte is at the index low. It ignores half a pair at the end.
func decodeUTF16(b []byte, low int) string {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i+low])|uint16(b[i+1-low])<<8)
	}
	out := make([]byte, 0, len(units))
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
