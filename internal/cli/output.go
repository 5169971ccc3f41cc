package cli

import (
	"io"
	"os"
	"sync/atomic"
	"time"
)

const (
	// lastWords is how long a pipe may stay silent after the child has ended
	// before we stop listening: somebody it left behind still holds the pipe.
	lastWords = 500 * time.Millisecond

	// mostLastWords bounds what is read after the end. What the child itself
	// wrote fits into the pipe, whose size the kernel limits to this (pipe(7));
	// more comes from somebody else.
	mostLastWords = 1 << 20
)

// output passes one stream of the child on, as it comes, and keeps its tail.
type output struct {
	from  *os.File
	to    io.Writer
	tail  *tail
	ended atomic.Bool // the child has ended
}

// newOutput returns an output and the end of its pipe that the child gets.
func newOutput(to io.Writer, t *tail) (*output, *os.File, error) {
	from, end, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &output{from: from, to: to, tail: t}, end, nil
}

// pump copies until the last writer has closed the pipe. If our reader has gone
// away it closes the pipe, so that the child learns of it the way it would
// without us in between.
func (o *output) pump() {
	defer o.from.Close()
	buffer := make([]byte, 32<<10)
	left := mostLastWords
	for left > 0 {
		if o.ended.Load() {
			_ = o.from.SetReadDeadline(time.Now().Add(lastWords)) // pipes can
		}
		n, err := o.from.Read(buffer)
		_, _ = o.tail.Write(buffer[:n]) // never fails
		if _, lost := o.to.Write(buffer[:n]); lost != nil || err != nil {
			return
		}
		if o.ended.Load() {
			left -= n
		}
	}
}

// childEnded lets pump end even if the pipe stays open. A pump that is busy
// writing is not disturbed: it sees the mark when it reads again.
func (o *output) childEnded() {
	o.ended.Store(true)
	_ = o.from.SetReadDeadline(time.Now().Add(lastWords)) // closed already: just as well
}

// sameFile reports whether both streams end in the same file, pipe or terminal.
func sameFile(a, b io.Writer) bool {
	one, ok := a.(*os.File)
	two, also := b.(*os.File)
	if !ok || !also {
		return false
	}
	first, err := one.Stat()
	if err != nil {
		return false
	}
	second, err := two.Stat()
	return err == nil && os.SameFile(first, second)
}
