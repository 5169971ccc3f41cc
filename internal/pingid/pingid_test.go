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

const id, other = "6f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5", "0a1b2c3d-4e5f-4061-9273-8495a6b7c8d9"

func TestHide_FindsAnIDInEverySpelling(t *testing.T) {
	bare := strings.ReplaceAll(id, "-", "")
	for _, spelling := range []string{
		id, bare, strings.ToUpper(id), strings.ToUpper(bare), strings.ReplaceAll(id, "-", "%2D"), strings.ReplaceAll(id, "-", "%2d"),
		"%36" + id[1:], everyByte(id), everyByte(bare), id[:13] + bare[12:],
		id[:5] + "\x1b[01;31m" + id[5:20] + "\x1b[m" + id[20:], id[:8] + "\x08" + id[8:],
	} {
		for _, around := range [][2]string{
			{"", ""},
			{"+ curl https://overdue.example/api/v1/hb/", "/fail\n"},
			{"=3D", ""},
			{"%2F", "%2Ffail"},
			{"abc", "def"},
			{"\x00", "\x00"},
			{"ids: ", ", " + other},
		} {
			text := around[0] + spelling + around[1]
			if got, want := pingid.Hide(text, other[:35]+"0", id), around[0]+"…"+around[1]; got != want && !strings.Contains(spelling, "\x00") {
				t.Errorf("%q became %q", text, got)
			}
			if found := pingid.Find(text); spelling == id && !cmp.Equal(found[:1], []string{id}) {
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
		if got := pingid.Hide(encode("ping "+id+" nach 5 s für"), id); got != encode("ping ... nach 5 s für") {
			t.Errorf("%s endian: %q", name, got)
		}
	}
}

func TestHide_KeepsEverythingElse(t *testing.T) {
	for _, text := range []string{"", "…", "run " + other, id[:35], "%", "%3", id[:20] + "\n" + id[20:], strings.Repeat("0", 200)} {
		if got := pingid.Hide(text, id); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := pingid.Hide(id); got != id {
		t.Errorf("without ids: %q", got)
	}
}

func TestHideTruncated_ReplacesTheStartOfAnIDAtTheEnd(t *testing.T) {
	for n := 8; n < len(id); n++ {
		if got := pingid.HideTruncated("curl "+id[:n], id); got != "curl …" {
			t.Errorf("%d characters left: %q", n, got)
		}
	}
	for _, text := range []string{"curl " + id[:7], id[:20] + " curl", "deadbeef", "0" + other[:12]} {
		if got := pingid.HideTruncated(text, id); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestFind_ReturnsFewCandidatesInALongRowOfDigits(t *testing.T) {
	dump := strings.Repeat("0123456789abcdef", 6000)
	if n := len(pingid.Find(dump)); n > 20 {
		t.Errorf("%d candidates", n)
	}
	if got := pingid.Find("a " + other + " b " + strings.ReplaceAll(id, "-", "") + " " + other); !cmp.Equal(got, []string{other, id}) {
		t.Errorf("found %q", got)
	}
	if got := pingid.Find(strings.ReplaceAll("sha 00000000-0000-1000-0000-000000000000ffff", "-", "")); got != nil {
		t.Errorf("a longer row of digits: %q", got)
	}
}

func TestShorten_KeepsEightDigits(t *testing.T) {
	if got := pingid.Shorten("/api/v1/heartbeats/" + strings.ToUpper(id) + "/pause"); got != "/api/v1/heartbeats/6f0c1d2e…/pause" {
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
