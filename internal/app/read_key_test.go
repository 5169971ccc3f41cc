package app

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestReadKey_ReadsNoMoreThanAKeyCanBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not-a-key")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 64<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if key, err := readKey(path); err == nil || key != nil {
		t.Errorf("64 MB of zeros gave the key %v, %v", key, err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d kB were allocated for it", grown>>10)
	}
}
