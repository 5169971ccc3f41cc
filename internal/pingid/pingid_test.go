package pingid_test

import (
	"encoding/binary"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"overdue/internal/pingid"
)

const exampleID, otherID = "6f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5", "0a1b2c3d-4e5f-4061-9273-8495a6b7c8d9"

func TestHide_FindsAnIDInEverySpelling(t *testing.T) {
	bare := strings.ReplaceAll(exampleID, "-", "")
	for _, spelling := range []string{
		exampleID, bare, strings.ToUpper(exampleID), strings.ToUpper(bare), strings.ReplaceAll(exampleID, "-", "%2D"), strings.ReplaceAll(exampleID, "-", "%2d"),
		"%36" + exampleID[1:], everyByte(exampleID), everyByte(bare), exampleID[:13] + bare[12:],
		exampleID[:5] + "\x1b[01;31m" + exampleID[5:20] + "\x1b[m" + exampleID[20:], exampleID[:8] + "\x08" + exampleID[8:],
	} {
		for _, around := range [][2]string{
			{"", ""},
			{"+ curl https://overdue.example/api/v1/hb/", "/fail\n"},
			{"=3D", ""},
			{"%2F", "%2Ffail"},
			{"abc", "def"},
			{"\x00", "\x00"},
			{"ids: ", ", " + otherID},
		} {
			text := around[0] + spelling + around[1]
			if got, want := pingid.Hide(text, otherID[:35]+"0", exampleID), around[0]+"…"+around[1]; got != want && !strings.Contains(spelling, "\x00") {
				t.Errorf("%q became %q", text, got)
			}
			if found := pingid.Find(text); spelling == exampleID && !cmp.Equal(found[:1], []string{exampleID}) {
				t.Errorf("%q: found %q", text, found)
			}
		}
	}
}

// everyByte percent-encodes the whole text.
func everyByte(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteString(strings.ToUpper("%" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15])))
	}
	return b.String()
}

func TestHide_LeavesUTF16Readable(t *testing.T) {
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		encode := func(text string) string {
			var b []byte
			for _, unit := range utf16.Encode([]rune(text)) {
				b = order.AppendUint16(b, unit)
			}
			return string(b)
		}
		if got := pingid.Hide(encode("ping "+exampleID+" nach 5 s für"), exampleID); got != encode("ping ... nach 5 s für") {
			t.Errorf("%s endian: %q", name, got)
		}
	}
}

func TestHide_KeepsEverythingElse(t *testing.T) {
	for _, text := range []string{"", "…", "run " + otherID, exampleID[:35], "%", "%3", exampleID[:20] + "\n" + exampleID[20:], strings.Repeat("0", 200)} {
		if got := pingid.Hide(text, exampleID); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := pingid.Hide(exampleID); got != exampleID {
		t.Errorf("without ids: %q", got)
	}
}

func TestHideTruncated_ReplacesTheStartOfAnIDAtTheEnd(t *testing.T) {
	for n := 8; n < len(exampleID); n++ {
		if got := pingid.HideTruncated("curl "+exampleID[:n], exampleID); got != "curl …" {
			t.Errorf("%d characters left: %q", n, got)
		}
	}
	for _, text := range []string{"curl " + exampleID[:7], exampleID[:20] + " curl", "deadbeef", "0" + otherID[:12]} {
		if got := pingid.HideTruncated(text, exampleID); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestFind_ReturnsFewCandidatesInALongRowOfDigits(t *testing.T) {
	dump := strings.Repeat("0123456789abcdef", 6000)
	if n := len(pingid.Find(dump)); n > 20 {
		t.Errorf("%d candidates", n)
	}
	if got := pingid.Find("a " + otherID + " b " + strings.ReplaceAll(exampleID, "-", "") + " " + otherID); !cmp.Equal(got, []string{otherID, exampleID}) {
		t.Errorf("found %q", got)
	}
	if got := pingid.Find(strings.ReplaceAll("sha 00000000-0000-1000-0000-000000000000ffff", "-", "")); got != nil {
		t.Errorf("a longer row of digits: %q", got)
	}
}

func TestShorten_KeepsEightDigits(t *testing.T) {
	if got := pingid.Shorten("/api/v1/heartbeats/" + strings.ToUpper(exampleID) + "/pause"); got != "/api/v1/heartbeats/6f0c1d2e…/pause" {
		t.Error(got)
	}
}

// Whatever surrounds an id, the result of Hide does not contain it.
func TestHide_NeverLeavesAnID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")).String()
		spelling := rapid.SampledFrom([]string{id, strings.ReplaceAll(id, "-", ""), strings.ToUpper(id)}).Draw(t, "spelling")
		part := rapid.StringOf(rapid.SampledFrom([]rune("0123456789abcdefABCDEF-%2 \n\x00\x1b[m…")))
		text := part.Draw(t, "before") + spelling + part.Draw(t, "between") + spelling + part.Draw(t, "after")
		got := pingid.Hide(text, id)
		plain := strings.ToLower(strings.ReplaceAll(got, "-", ""))
		if decoded, err := url.PathUnescape(plain); err == nil {
			plain = decoded
		}
		if strings.Contains(plain, strings.ReplaceAll(id, "-", "")) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
