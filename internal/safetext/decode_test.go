package safetext_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"overdue/internal/safetext"
)

// encoded returns text as UTF-16.
func encoded(text string, order binary.AppendByteOrder, mark bool) []byte {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

func TestDecode_DecodesUTF16AndKeepsEverythingElse(t *testing.T) {
	const text = "Sicherung läuft\r\nFehler: Gerät nicht bereit 💾\r\n"
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, mark := range []bool{true, false} {
			if got := safetext.Decode(encoded(text, order, mark)); got != text {
				t.Errorf("%v, mark %t: %q", order, mark, got)
			}
			half := encoded(text+"x", order, mark)
			if got := safetext.Decode(half[:len(half)-1]); got != text {
				t.Errorf("%v, mark %t, cut: %q", order, mark, got)
			}
		}
	}
	// A tail can start within a pair. Then the byte order looks reversed.
	tail := encoded("begin "+text, binary.LittleEndian, false)[1:]
	if got := safetext.Decode(tail); !strings.Contains(got, "Sicherung l") {
		t.Errorf("a tail from within a pair: %q", got)
	}
	for _, same := range []string{"", "a", "a\x00", "plain", "Größe", "夜間バックアップ", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "bin\x00ary\x00data with words", "\xff\xfd\x00"} {
		if got := safetext.Decode([]byte(same)); got != same {
			t.Errorf("%q became %q", same, got)
		}
	}
	if got := safetext.Decode([]byte("\xef\xbb\xbfwith a mark")); got != "with a mark" {
		t.Errorf("%q; want it without the mark", got)
	}
}
