package runjob

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTailBuffer_KeepsTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		end, all := NewTailBuffer(limit), []byte{}
		for _, chunk := range rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 70)).Draw(t, "chunks") {
			if n, err := end.Write(chunk); n != len(chunk) || err != nil {
				t.Fatalf("Write took %d of %d, %v", n, len(chunk), err)
			}
			all = append(all, chunk...)
		}
		got, whole := end.Bytes(), min(len(all), limit)
		if !bytes.HasSuffix(all, got) || len(got) > whole || len(got) < whole-3 {
			t.Fatalf("kept %x of %x with limit %d", got, all, limit)
		}
		if len(all) <= limit && len(got) != len(all) {
			t.Fatalf("cut %x to %x without need", all, got)
		}
	})
}

func TestTailBuffer_DoesNotCutACharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := NewTailBuffer(rapid.IntRange(1, 8).Draw(t, "limit"))
		text := ""
		for _, chunk := range rapid.SliceOf(rapid.StringN(0, 4, -1)).Draw(t, "chunks") {
			_, _ = end.Write([]byte(chunk)) // never fails
			text += chunk
		}
		if got := end.Bytes(); !utf8.Valid(got) {
			t.Fatalf("tail %x of text %q is not text", got, text)
		}
	})
}
