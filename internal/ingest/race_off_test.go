//go:build !race

package ingest

// raceEnabled reports whether the race detector is on.
const raceEnabled = false
