package wal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/wal"
)

// TestOpen_ATornWriteLosesNoEarlierRecord truncates and damages the file at each
// byte of its last record.
func TestOpen_ATornWriteLosesNoEarlierRecord(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "first", "second")
	before, err := os.ReadFile(path + "0")
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, "third")
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
		damaged := slices.Clone(after)
		damaged[at] ^= 0x55
		for _, text := range [][]byte{damaged, slices.Concat(after[:at], before[at:])} {
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
				t.Fatalf("torn at %d, after another append: %q", at, records)
			}
		}
	}
	if torn < len("third")+4 {
		t.Errorf("only %d bytes belong to the last record", torn)
	}
}

func TestOpen_RejectsTheLogOfAnotherOwner(t *testing.T) {
	path := logPath(t)
	l, _ := openLog(t, path)
	appendAll(t, l, "a")
	if _, _, err := wal.Open(path, otherOwner); !errors.Is(err, wal.ErrForeignOwner) {
		t.Errorf("open with another owner: %v", err)
	}
	if _, _, err := wal.Read(path, otherOwner); !errors.Is(err, wal.ErrForeignOwner) {
		t.Errorf("read with another owner: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "j")
	l, _ := openLog(f, path)
	appendAll(f, l, "one", "two")
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
		records, _, err := wal.Read(path, ownOwner)
		if errors.Is(err, wal.ErrForeignOwner) {
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

// TestOpen_OverwritesAnEmptyLogOfAnotherOwner covers a crash during the first
// record of another database, which leaves only its header. Records that we append must
// be ours.
func TestOpen_OverwritesAnEmptyLogOfAnotherOwner(t *testing.T) {
	path := logPath(t)
	other, _, err := wal.Open(path, otherOwner)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, other, "cut short")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	name := wal.SegmentPaths(path)[0]
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, []byte("cut short"))
	clear(text[at : at+4])
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l, records := openLog(t, path)
	if len(records) > 0 {
		t.Fatalf("the log holds %q; want nothing", records)
	}
	appendAll(t, l, "ours")
	_, records = openLog(t, path)
	if diff := cmp.Diff([]string{"ours"}, records); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwners_ReadsOnlyTheHeaders(t *testing.T) {
	path := logPath(t)
	if owners, err := wal.Owners(path); err != nil || len(owners) > 0 {
		t.Errorf("without a log: %v, %v", owners, err)
	}
	l, _ := openLog(t, path)
	if owners, err := wal.Owners(path); err != nil || len(owners) > 0 {
		t.Errorf("of an unused log: %v, %v", owners, err)
	}
	appendAll(t, l, "one")
	l.Rotate()
	appendAll(t, l, "two")
	if owners, err := wal.Owners(path); err != nil || !slices.Equal(owners, [][16]byte{ownOwner, ownOwner}) {
		t.Errorf("of two segments: %v, %v", owners, err)
	}
}
