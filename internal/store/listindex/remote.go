package listindex

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
)

// Outgoing collects the heartbeats that this node changed, for the indexes of other nodes. The
// zero Outgoing is ready for use.
type Outgoing struct {
	mu      sync.Mutex
	keys    map[int64]int64 // project by key
	unknown bool            // and others
}

// Add adds the effects of a committed change.
func (o *Outgoing) Add(e Effects) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys == nil {
		o.keys = map[int64]int64{}
	}
	for i := range e.States {
		o.keys[e.States[i].Key] = e.States[i].Project
	}
	maps.Copy(o.keys, e.Rereads)
	o.unknown = o.unknown || e.Unknown
}

// Take removes and returns everything. unknown means that other heartbeats can have changed, too.
func (o *Outgoing) Take() (keys map[int64]int64, unknown bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	keys, unknown = o.keys, o.unknown
	o.keys, o.unknown = nil, false
	return keys, unknown
}

// EncodeKeys returns heartbeats as they are stored: for each, the differences of project and key to
// the one before.
func EncodeKeys(keys map[int64]int64) []byte {
	text := []byte{}
	var project, before int64
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		text = binary.AppendVarint(binary.AppendVarint(text, keys[key]-project), key-before)
		project, before = keys[key], key
	}
	return text
}

// DecodeKeys adds what EncodeKeys returned to keys.
func DecodeKeys(text []byte, keys map[int64]int64) error {
	var project, key int64
	for len(text) > 0 {
		p, n := binary.Varint(text)
		if n <= 0 {
			return errors.New("changed heartbeats: not a list of keys")
		}
		k, m := binary.Varint(text[n:])
		if m <= 0 {
			return errors.New("changed heartbeats: not a list of keys")
		}
		project, key, text = project+p, key+k, text[n+m:]
		keys[key] = project
	}
	return nil
}

// The parts in which heartbeats are loaded.
const (
	minPart  = 20_000 // keys
	maxParts = 4
)

// Split divides all keys into up to n parts, which are loaded at the same time. Each part is its first and
// last key. Most keys are between first and last.
func Split(first, last int64, n int) (parts [][2]int64) {
	count := last - first + 1
	n = int(min(int64(min(n, maxParts)), max(count/minPart, 1)))
	for i := range int64(n) {
		parts = append(parts, [2]int64{first + count*i/int64(n), first + count*(i+1)/int64(n) - 1})
	}
	parts[0][0], parts[n-1][1] = math.MinInt64, math.MaxInt64
	return parts
}
