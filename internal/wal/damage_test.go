package wal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"overdue/internal/wal"
)

// flip flips a bit of a file, at a position in the given text, which the file contains.
func flip(t testing.TB, name, text string, at int, bit int) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	begin := bytes.LastIndex(content, []byte(text))
	if begin < 0 {
		t.Fatalf("%s does not contain %q", name, text)
	}
	content[begin+at] ^= 1 << bit
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readAll returns what Read returns.
func readAll(t testing.TB, path string) ([]string, []wal.Damage) {
	t.Helper()
	records, damage, err := wal.Read(path, ownOwner)
	if err != nil {
		t.Fatal(err)
	}
	return texts(records), damage
}

// recordHeader is the length of the header of a record in bytes.
const recordHeader = 8

func TestRead_AFlippedBitInTheMiddleIsDamageAndHidesNoOtherRecord(t *testing.T) {
	original := logPath(t)
	l, _ := openLog(t, original)
	appendAll(t, l, "first", "second", "third", "", "fifth")
	content, err := os.ReadFile(original + "0")
	if err != nil {
		t.Fatal(err)
	}
	for at := -recordHeader; at < len("second"); at++ {
		for bit := range 8 {
			path := logPath(t)
			if err := os.WriteFile(path+"0", content, 0o600); err != nil {
				t.Fatal(err)
			}
			flip(t, path+"0", "second", at, bit)
			records, damage := readAll(t, path)
			if want := []string{"first", "third", "", "fifth"}; !slices.Equal(records, want) {
				t.Errorf("bit %d of byte %d: %q", bit, at, records)
			}
			want := []wal.Damage{{File: path + "0", Offset: 57, Bytes: recordHeader + 6, Records: 1}}
			if diff := cmp.Diff(want, damage); diff != "" {
				t.Errorf("bit %d of byte %d (-want +got):\n%s", bit, at, diff)
			}
		}
	}
}

// The length of the record behind the zeros has leading zero bytes, which belong to it.
func TestRead_ARecordBehindZeroedOnesIsFound(t *testing.T) {
	for length := range 3 {
		for zeroed := range 10 {
			path := logPath(t)
			l, _ := openLog(t, path)
			lost, found := strings.Repeat("x", 1+1000*zeroed), strings.Repeat("y", 1<<(8*length))
			appendAll(t, l, lost, found, "last")
			content, err := os.ReadFile(path + "0")
			if err != nil {
				t.Fatal(err)
			}
			const begin = 44 // length of the header of a segment
			clear(content[begin : begin+recordHeader+len(lost)])
			if err := os.WriteFile(path+"0", content, 0o600); err != nil {
				t.Fatal(err)
			}
			records, damage := readAll(t, path)
			if !slices.Equal(records, []string{found, "last"}) || len(damage) != 1 || damage[0].Bytes != int64(recordHeader+len(lost)) {
				t.Errorf("%d bytes of zeros before a record of %d bytes: %d records, damage %v", len(lost), len(found), len(records), damage)
			}
		}
	}
}

func TestRead_SeveralDamagedPartsAreEachReported(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "a1", "a2", "a3", "a4", "a5", "a6")
	l.Rotate()
	appendAll(t, l, "b1", "b2", "b3")
	for _, text := range []string{"a2", "a3", "a5"} {
		flip(t, path+"0", text, 1, 3)
	}
	flip(t, path+"1", "b1", 0, 0)
	records, damage := readAll(t, path)
	if want := []string{"a1", "a4", "a6", "b2", "b3"}; !slices.Equal(records, want) {
		t.Errorf("records %q", records)
	}
	want := []wal.Damage{
		{File: path + "0", Offset: 54, Bytes: 20, Records: 2}, {File: path + "0", Offset: 84, Bytes: 10, Records: 1}, {File: path + "1", Offset: 44, Bytes: 10, Records: 1},
	}
	if diff := cmp.Diff(want, damage); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRead_TheEndOfASegmentIsNoDamage covers what a crash leaves: a last record that is
// incomplete or, which looks the same, damaged, and records of earlier segments behind it
// at the positions where records could be.
func TestRead_TheEndOfASegmentIsNoDamage(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	for round := range 5 {
		for n := range 10 - round {
			appendAll(t, l, fmt.Sprintf("%d-%d", round, n))
		}
		if round < 4 {
			l.Rotate()
			l.Truncate()
		}
	}
	want := []string{"3-0", "3-1", "3-2", "3-3", "3-4", "3-5", "3-6", "4-0", "4-1", "4-2", "4-3", "4-4", "4-5"}
	if records, damage := readAll(t, path); !slices.Equal(records, want) || damage != nil {
		t.Errorf("%q, %v", records, damage)
	}
	flip(t, path+"0", "4-5", 1, 1)
	if records, damage := readAll(t, path); !slices.Equal(records, want[:12]) || damage != nil {
		t.Errorf("with damage to the last record: %q, %v", records, damage)
	}
	content, err := os.ReadFile(path + "0")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(content, []byte("4-4")) + len("4-4")
	clear(content[at : at+5])
	if err := os.WriteFile(path+"0", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if records, damage := readAll(t, path); !slices.Equal(records, want[:12]) || damage != nil {
		t.Errorf("with an incomplete last record: %q, %v", records, damage)
	}
}

func TestRead_AFlippedBitInTheHeaderIsCorrectedAndReported(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "first", "second")
	content, err := os.ReadFile(path + "0")
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 44 * 8 {
		damaged := slices.Clone(content)
		damaged[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path+"0", damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		records, damage := readAll(t, path)
		if !slices.Equal(records, []string{"first", "second"}) || !slices.Equal(damage, []wal.Damage{{File: path + "0", Bytes: 44}}) {
			t.Fatalf("bit %d: %q, %v", bit, records, damage)
		}
	}
	damaged := slices.Clone(content)
	copy(damaged, "other")
	if err := os.WriteFile(path+"0", damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	records, damage := readAll(t, path)
	if want := []wal.Damage{{File: path + "0", Bytes: 44 + 2*recordHeader + 11, Records: 2}}; len(records) > 0 || !slices.Equal(damage, want) {
		t.Errorf("a header that cannot be corrected: %q, %v; want %v", records, damage, want)
	}
}

// TestRead_FindsEveryRecordBehindDamage damages any part of a log with records of any
// content and length. Every record outside of the damage is returned, and nothing else.
func TestRead_FindsEveryRecordBehindDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "wal")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "j")
		l, _, err := wal.Open(path, ownOwner)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		var records []string
		ends := []int{44}
		for range rapid.IntRange(2, 12).Draw(t, "records") {
			unit := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "unit")
			record := bytes.Repeat(unit, rapid.IntRange(0, 300).Draw(t, "repeat"))
			if err := l.Append(record); err != nil {
				t.Fatal(err)
			}
			records, ends = append(records, string(record)), append(ends, ends[len(ends)-1]+recordHeader+len(record))
		}
		content, err := os.ReadFile(path + "0")
		if err != nil {
			t.Fatal(err)
		}
		last := len(records) - 1
		from := rapid.IntRange(44, ends[last]-1).Draw(t, "from")
		to := min(from+rapid.IntRange(1, 6000).Draw(t, "length"), ends[last])
		for i := from; i < to; i++ {
			content[i] ^= rapid.Byte().Filter(func(b byte) bool { return b != 0 }).Draw(t, "damage")
		}
		if err := os.WriteFile(path+"0", content, 0o600); err != nil {
			t.Fatal(err)
		}
		var want []string
		first, end := -1, 0
		for i, record := range records {
			if ends[i+1] <= from || ends[i] >= to {
				want = append(want, record)
				continue
			}
			if first < 0 {
				first = ends[i]
			}
			end = ends[i+1]
		}
		got, damage, err := wal.Read(path, ownOwner)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(texts(got), want) {
			t.Fatalf("%d records of %d; want %d", len(got), len(records), len(want))
		}
		if len(damage) != 1 || damage[0].Offset != int64(first) || damage[0].Bytes != int64(end-first) || damage[0].Records < 1 {
			t.Fatalf("damage %v; want the bytes %d to %d", damage, first, end)
		}
	})
}

// TestRead_AProcessThatWritesIsNoDamage reads a log again and again while another
// goroutine appends to it and overwrites its segments.
func TestRead_AProcessThatWritesIsNoDamage(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	wal.SetSync(l, func(*os.File) error { return nil })
	appendAll(t, l, "first")
	done, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		record := bytes.Repeat([]byte("."), 3000)
		for n := 0; ; n++ {
			select {
			case <-done:
				stopped <- nil
				return
			default:
			}
			if err := l.Append(record); err != nil {
				stopped <- err
				return
			}
			if n%50 == 49 {
				l.Truncate()
				l.Rotate()
			}
		}
	}()
	for range 200 {
		if _, damage := readAll(t, path); damage != nil {
			t.Errorf("damage %v", damage)
		}
	}
	close(done)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestRemoveExceptDamaged_KeepsTheDamagedFileOnly(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "first", "second")
	l.Rotate()
	appendAll(t, l, "third")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, path+"0", "first", 2, 2)
	damagedContent, err := os.ReadFile(path + "0")
	if err != nil {
		t.Fatal(err)
	}
	l, records := openLog(t, path)
	if !slices.Equal(records, []string{"second", "third"}) {
		t.Errorf("%q", records)
	}
	kept, err := l.RemoveExceptDamaged(".damaged")
	if want := []wal.Damage{{File: path + "0.damaged", Offset: 44, Bytes: recordHeader + 5, Records: 1}}; err != nil || !slices.Equal(kept, want) {
		t.Errorf("%v, %v; want %v", kept, err, want)
	}
	if left, err := filepath.Glob(path + "*"); err != nil || !slices.Equal(left, []string{path + "0.damaged"}) {
		t.Errorf("files %v, %v", left, err)
	}
	if content, err := os.ReadFile(path + "0.damaged"); err != nil || !bytes.Equal(content, damagedContent) {
		t.Errorf("the kept file differs: %v", err)
	}
}

// BenchmarkRead_TheEndOfALargeSegment searches for records behind the end, in random
// bytes and in bytes that look like the headers of long records.
func BenchmarkRead_TheEndOfALargeSegment(b *testing.B) {
	for name, unit := range map[string]string{"varied": "\x00\x10sd\x01\xffGET 192.0.2.7 curl/8\x00\x02\x00", "lengths": "\x00\x01"} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "j")
			l, _ := openLog(b, path)
			appendAll(b, l, "first", string(bytes.Repeat([]byte(unit), 16<<20/len(unit))))
			flip(b, path+"0", unit, 0, 0)
			for b.Loop() {
				if records, damage := readAll(b, path); len(records) != 1 || damage != nil {
					b.Fatal(len(records), damage)
				}
			}
		})
	}
}
