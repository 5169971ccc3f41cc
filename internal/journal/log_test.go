package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"overdue/internal/journal"
)

var ownOwner, otherOwner = [16]byte{1}, [16]byte{2}

// logPath is where a test keeps a journal.
func logPath(t *testing.T) string { return filepath.Join(t.TempDir(), "j") }

// openLog opens a journal and fails the test when that goes wrong.
func openLog(t testing.TB, path string) (*journal.Log, []string) {
	t.Helper()
	j, records, err := journal.Open(path, ownOwner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // some tests have closed or removed it
	return j, texts(records)
}

func texts(records [][]byte) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r))
	}
	return all
}

// appendAll appends records.
func appendAll(t testing.TB, j *journal.Log, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := j.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppend_RecordsComeBackAfterReopening(t *testing.T) {
	path := logPath(t)
	j, records := openLog(t, path)
	if len(records) > 0 {
		t.Fatalf("a new journal holds %q", records)
	}
	appendAll(t, j, "one", "", "three")
	_, records = openLog(t, path) // beside it, as after a crash
	if diff := cmp.Diff([]string{"one", "", "three"}, records); diff != "" {
		t.Error(diff)
	}
	appendAll(t, j, "four")
	if read, err := journal.Read(path, ownOwner); err != nil || len(read) != 4 {
		t.Errorf("read %q, %v; want four", texts(read), err)
	}
}

func TestAppend_SyncsARecordBeforeItCounts(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	broken := errors.New("broken")
	var seen [][]string
	var answer error
	journal.SetSync(j, func(*os.File) error {
		records, err := journal.Read(path, ownOwner)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, texts(records))
		return answer
	})
	appendAll(t, j, "one")
	answer = broken
	if err := j.Append([]byte("lost")); !errors.Is(err, broken) {
		t.Errorf("a record that was not synced: %v", err)
	}
	answer = nil
	appendAll(t, j, "two")
	want := [][]string{{"one"}, {"one", "lost"}, {"one", "two"}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("what was written when it was synced: %s", diff)
	}
}

func TestRotate_KeepsRecordsUntilTruncate(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	appendAll(t, j, "a")
	if !j.Rotate() {
		t.Fatal("the other file is free")
	}
	appendAll(t, j, "b")
	if j.Rotate() {
		t.Fatal("both files are needed")
	}
	if _, records := openLog(t, path); !slices.Equal(records, []string{"a", "b"}) {
		t.Errorf("%q", records)
	}
	j.Truncate()
	if !j.Rotate() {
		t.Fatal("the first file was given up")
	}
	appendAll(t, j, "c")
	if _, records := openLog(t, path); !slices.Equal(records, []string{"b", "c"}) {
		t.Errorf("%q", records)
	}
}

func TestOpen_ContinuesAfterTheLastRecord(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	appendAll(t, j, "a")
	j.Rotate()
	appendAll(t, j, "b")
	again, _ := openLog(t, path)
	if again.Rotate() {
		t.Error("both files may be needed until Clear")
	}
	appendAll(t, again, "c")
	if _, records := openLog(t, path); !slices.Equal(records, []string{"a", "b", "c"}) {
		t.Errorf("%q", records)
	}
	again.Reset()
	if !again.Rotate() {
		t.Error("after Clear the other file is free")
	}
}

func TestReset_StartsALargeSegmentAgain(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	large := string(bytes.Repeat([]byte("x"), 300_000))
	for range 20 {
		appendAll(t, j, large, large, large, large, "last")
		j.Reset()
	}
	if j.Size() > 3<<20 {
		t.Errorf("%d bytes; want it to be written over", j.Size())
	}
	appendAll(t, j, "new")
	if _, records := openLog(t, path); records[len(records)-1] != "new" || len(records) > 6 {
		t.Errorf("%d records; want the new one, and no old ones behind it", len(records))
	}
}

// TestOpen_NeverReturnsRecordsOfAnEarlierSegment writes rounds of records of equal length,
// so that what an earlier round left stands exactly where a record could.
func TestOpen_NeverReturnsRecordsOfAnEarlierSegment(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	for round := range 6 {
		for n := range 10 - round {
			appendAll(t, j, fmt.Sprintf("%d-%d", round, n))
		}
		j.Rotate()
		j.Truncate()
	}
	_, records := openLog(t, path)
	want := []string{"4-0", "4-1", "4-2", "4-3", "4-4", "4-5", "5-0", "5-1", "5-2", "5-3", "5-4"}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Error(diff)
	}
}

// TestOpen_ATornWriteLosesNoEarlierRecord cuts and spoils the file at each byte of its
// last record.
func TestOpen_ATornWriteLosesNoEarlierRecord(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	appendAll(t, j, "first", "second")
	before, err := os.ReadFile(path + "0")
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, j, "third")
	after, err := os.ReadFile(path + "0")
	if err != nil {
		t.Fatal(err)
	}
	torn := 0
	for at := range after {
		if before[at] == after[at] {
			continue
		}
		torn++
		spoilt := slices.Clone(after)
		spoilt[at] ^= 0x55
		for _, text := range [][]byte{spoilt, slices.Concat(after[:at], before[at:])} {
			other := logPath(t)
			if err := os.WriteFile(other+"0", text, 0o600); err != nil {
				t.Fatal(err)
			}
			if again, records := openLog(t, other); !slices.Equal(records, []string{"first", "second"}) {
				t.Fatalf("torn at %d: %q", at, records)
			} else if appendAll(t, again, "next"); again.Close() != nil {
				t.Fatal("close")
			}
			if _, records := openLog(t, other); !slices.Equal(records, []string{"first", "second", "next"}) {
				t.Fatalf("torn at %d and gone on with: %q", at, records)
			}
		}
	}
	if torn < len("third")+4 {
		t.Errorf("only %d bytes belong to the last record", torn)
	}
}

func TestOpen_RejectsTheLogOfAnotherOwner(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	appendAll(t, j, "a")
	if _, _, err := journal.Open(path, otherOwner); !errors.Is(err, journal.ErrForeignOwner) {
		t.Errorf("opened with another owner: %v", err)
	}
	if _, err := journal.Read(path, otherOwner); !errors.Is(err, journal.ErrForeignOwner) {
		t.Errorf("read with another owner: %v", err)
	}
}

func TestRemove_DeletesTheFiles(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	appendAll(t, j, "a")
	if err := j.Remove(); err != nil {
		t.Fatal(err)
	}
	for _, name := range journal.SegmentPaths(path) {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if read, err := journal.Read(path, ownOwner); err != nil || len(read) > 0 {
		t.Errorf("%q, %v", texts(read), err)
	}
}

// TestLog_AnySequenceOfOperationsKeepsTheNeededRecords plays any story beside a list of
// what is needed: what comes back ends with all of that, in its order.
func TestLog_AnySequenceOfOperationsKeepsTheNeededRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "journal")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "j")
		j, _, err := journal.Open(path, ownOwner)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		var before, now []string
		for n := range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				if j.Rotate() {
					before, now = now, nil
				}
			case 1:
				j.Truncate()
				before = nil
			case 2:
				j.Reset()
				before, now = nil, nil
			case 3: // the process dies, and the next one goes on
				again, _, err := journal.Open(path, ownOwner)
				if err != nil {
					t.Fatal(err)
				}
				_ = j.Close()
				j = again
			default:
				record := fmt.Sprintf("%d%s", n, bytes.Repeat([]byte("."), rapid.IntRange(0, 400_000).Draw(t, "length")))
				if err := j.Append([]byte(record)); err != nil {
					t.Fatal(err)
				}
				now = append(now, record)
			}
			records, err := journal.Read(path, ownOwner)
			if err != nil {
				t.Fatal(err)
			}
			needed := slices.Concat(before, now)
			got := texts(records)
			if len(got) < len(needed) || !slices.Equal(got[len(got)-len(needed):], needed) {
				t.Fatalf("after step %d %d records come back, and not the %d that are needed at their end", n, len(got), len(needed))
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "j")
	j, _ := openLog(f, path)
	appendAll(f, j, "one", "two")
	whole, err := os.ReadFile(path + "0")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[:200])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path+"1", text, 0o600); err != nil {
			t.Fatal(err)
		}
		records, err := journal.Read(path, ownOwner)
		if errors.Is(err, journal.ErrForeignOwner) {
			return
		}
		size := 0
		for _, r := range records {
			size += len(r)
		}
		if err != nil || size > len(text) {
			t.Errorf("%d bytes of records from %d, %v", size, len(text), err)
		}
	})
}

// TestOpen_OverwritesAnEmptyLogOfAnotherOwner: a crash in the very first record of
// another database leaves its header alone. What we append must be ours.
func TestOpen_OverwritesAnEmptyLogOfAnotherOwner(t *testing.T) {
	path := logPath(t)
	other, _, err := journal.Open(path, otherOwner)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, other, "cut short")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	name := journal.SegmentPaths(path)[0]
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, []byte("cut short"))
	clear(text[at : at+4])
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	j, records := openLog(t, path)
	if len(records) > 0 {
		t.Fatalf("it holds %q", records)
	}
	appendAll(t, j, "ours")
	_, records = openLog(t, path)
	if diff := cmp.Diff([]string{"ours"}, records); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppend_CountsOnlyWhatIsConfirmed(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	gone := errors.New("gone")
	appendAll(t, j, "one")
	j.Confirm = func() error { return gone }
	if err := j.Append([]byte("not confirmed")); !errors.Is(err, gone) {
		t.Errorf("a record that was not confirmed: %v", err)
	}
	j.Confirm = func() error { return nil }
	appendAll(t, j, "two")
	_, records := openLog(t, path)
	if diff := cmp.Diff([]string{"one", "two"}, records); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwners_ReadsOnlyTheHeaders(t *testing.T) {
	path := logPath(t)
	if owners, err := journal.Owners(path); err != nil || len(owners) > 0 {
		t.Errorf("of no journal: %v, %v", owners, err)
	}
	j, _ := openLog(t, path)
	if owners, err := journal.Owners(path); err != nil || len(owners) > 0 {
		t.Errorf("of one that was never used: %v, %v", owners, err)
	}
	appendAll(t, j, "one")
	j.Rotate()
	appendAll(t, j, "two")
	if owners, err := journal.Owners(path); err != nil || !slices.Equal(owners, [][16]byte{ownOwner, ownOwner}) {
		t.Errorf("of one with two files: %v, %v", owners, err)
	}
}

func TestRemove_SucceedsWhenAFileIsAlreadyGone(t *testing.T) {
	path := logPath(t)
	j, _ := openLog(t, path)
	appendAll(t, j, "one")
	if err := os.Remove(journal.SegmentPaths(path)[0]); err != nil {
		t.Fatal(err)
	}
	if err := j.Remove(); err != nil {
		t.Errorf("with one file gone: %v", err)
	}
}
