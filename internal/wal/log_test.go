package wal_test

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

	"overdue/internal/wal"
)

var ownOwner, otherOwner = [16]byte{1}, [16]byte{2}

// logPath returns the path of a log in a temporary directory.
func logPath(t *testing.T) string { return filepath.Join(t.TempDir(), "j") }

// openLog opens a log, which is closed when the test ends.
func openLog(t testing.TB, path string) (*wal.Log, []string) {
	t.Helper()
	l, records, err := wal.Open(path, ownOwner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the test can have closed or removed it
	return l, texts(records)
}

func texts(records [][]byte) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r))
	}
	return all
}

// appendAll appends records.
func appendAll(t testing.TB, l *wal.Log, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := l.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppend_RecordsComeBackAfterReopening(t *testing.T) {
	path := logPath(t)
	l, records := openLog(t, path)
	if len(records) > 0 {
		t.Fatalf("a new log holds %q", records)
	}
	appendAll(t, l, "one", "", "three")
	_, records = openLog(t, path) // the first one stays open, as after a crash
	if diff := cmp.Diff([]string{"one", "", "three"}, records); diff != "" {
		t.Error(diff)
	}
	appendAll(t, l, "four")
	if read, _, err := wal.Read(path, ownOwner); err != nil || len(read) != 4 {
		t.Errorf("read %q, %v; want four records", texts(read), err)
	}
}

func TestAppend_SyncsARecordBeforeItCounts(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	broken := errors.New("broken")
	var seen [][]string
	var answer error
	wal.SetSync(l, func(*os.File) error {
		records, _, err := wal.Read(path, ownOwner)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, texts(records))
		return answer
	})
	appendAll(t, l, "one")
	answer = broken
	if err := l.Append([]byte("lost")); !errors.Is(err, broken) {
		t.Errorf("append without a sync: %v", err)
	}
	answer = nil
	appendAll(t, l, "two")
	want := [][]string{{"one"}, {"one", "lost"}, {"one", "two"}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("written at each sync (-want +got):\n%s", diff)
	}
}

func TestRotate_KeepsRecordsUntilTruncate(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "a")
	if !l.Rotate() {
		t.Fatal("no rotation although the other file is free")
	}
	appendAll(t, l, "b")
	if l.Rotate() {
		t.Fatal("rotation although both files are needed")
	}
	if _, records := openLog(t, path); !slices.Equal(records, []string{"a", "b"}) {
		t.Errorf("%q", records)
	}
	l.Truncate()
	if !l.Rotate() {
		t.Fatal("no rotation after Truncate")
	}
	appendAll(t, l, "c")
	if _, records := openLog(t, path); !slices.Equal(records, []string{"b", "c"}) {
		t.Errorf("%q", records)
	}
}

func TestOpen_ContinuesAfterTheLastRecord(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "a")
	l.Rotate()
	appendAll(t, l, "b")
	again, _ := openLog(t, path)
	if again.Rotate() {
		t.Error("rotation although both files can be needed until Reset")
	}
	appendAll(t, again, "c")
	if _, records := openLog(t, path); !slices.Equal(records, []string{"a", "b", "c"}) {
		t.Errorf("%q", records)
	}
	again.Reset()
	if !again.Rotate() {
		t.Error("no rotation after Reset")
	}
}

func TestReset_StartsALargeSegmentAgain(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	large := string(bytes.Repeat([]byte("x"), 300_000))
	for range 20 {
		appendAll(t, l, large, large, large, large, "last")
		l.Reset()
	}
	if l.Size() > 3<<20 {
		t.Errorf("%d bytes; want the file to be overwritten", l.Size())
	}
	appendAll(t, l, "new")
	if _, records := openLog(t, path); records[len(records)-1] != "new" || len(records) > 6 {
		t.Errorf("%d records; want the new one last", len(records))
	}
}

// TestOpen_NeverReturnsRecordsOfAnEarlierSegment writes segments of records of equal
// length, so that leftovers of an earlier one are exactly where a record could be.
func TestOpen_NeverReturnsRecordsOfAnEarlierSegment(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	for round := range 6 {
		for n := range 10 - round {
			appendAll(t, l, fmt.Sprintf("%d-%d", round, n))
		}
		l.Rotate()
		l.Truncate()
	}
	_, records := openLog(t, path)
	want := []string{"4-0", "4-1", "4-2", "4-3", "4-4", "4-5", "5-0", "5-1", "5-2", "5-3", "5-4"}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Error(diff)
	}
}

func TestRemove_DeletesTheFiles(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "a")
	if err := l.Remove(); err != nil {
		t.Fatal(err)
	}
	for _, name := range wal.SegmentPaths(path) {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if read, _, err := wal.Read(path, ownOwner); err != nil || len(read) > 0 {
		t.Errorf("%q, %v", texts(read), err)
	}
}

// TestLog_AnySequenceOfOperationsKeepsTheNeededRecords runs random
// operations next to a list of the needed records: Read returns records that end with
// all needed ones, in order.
func TestLog_AnySequenceOfOperationsKeepsTheNeededRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "journal")
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
		var before, now []string
		for n := range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				if l.Rotate() {
					before, now = now, nil
				}
			case 1:
				l.Truncate()
				before = nil
			case 2:
				l.Reset()
				before, now = nil, nil
			case 3: // the process dies, and another one opens the log
				again, _, err := wal.Open(path, ownOwner)
				if err != nil {
					t.Fatal(err)
				}
				_ = l.Close()
				l = again
			default:
				record := fmt.Sprintf("%d%s", n, bytes.Repeat([]byte("."), rapid.IntRange(0, 400_000).Draw(t, "length")))
				if err := l.Append([]byte(record)); err != nil {
					t.Fatal(err)
				}
				now = append(now, record)
			}
			records, _, err := wal.Read(path, ownOwner)
			if err != nil {
				t.Fatal(err)
			}
			needed := slices.Concat(before, now)
			got := texts(records)
			if len(got) < len(needed) || !slices.Equal(got[len(got)-len(needed):], needed) {
				t.Fatalf("after step %d: %d records; want them to end with the %d needed ones", n, len(got), len(needed))
			}
		}
	})
}

func TestAppend_CountsOnlyWhatIsConfirmed(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	gone := errors.New("gone")
	appendAll(t, l, "one")
	l.Confirm = func() error { return gone }
	if err := l.Append([]byte("not confirmed")); !errors.Is(err, gone) {
		t.Errorf("append without a confirmation: %v", err)
	}
	l.Confirm = func() error { return nil }
	appendAll(t, l, "two")
	_, records := openLog(t, path)
	if diff := cmp.Diff([]string{"one", "two"}, records); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRemove_SucceedsWhenAFileIsAlreadyGone(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "one")
	if err := os.Remove(wal.SegmentPaths(path)[0]); err != nil {
		t.Fatal(err)
	}
	if err := l.Remove(); err != nil {
		t.Errorf("with one file gone: %v", err)
	}
}
