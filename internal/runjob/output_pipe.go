package runjob

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

const (
	// slowReaderTimeout limits how long the finish ping waits for output that the
	// reader of our standard output has not read yet.
	slowReaderTimeout = 2 * time.Second

	// backgroundOutputTimeout is the maximum time that the finish ping waits for the output of
	// background processes of the child, such as a tee that writes its log.
	backgroundOutputTimeout = 300 * time.Millisecond

	// maxBackgroundOutput is more than a pipe holds (pipe(7)). Output beyond it, read
	// after the end of the child, was not written by the child.
	maxBackgroundOutput = 1 << 20

	// outputPollInterval is the time between two checks of the outputs.
	outputPollInterval = 10 * time.Millisecond
)

// outputPipe passes one stream of the child on at once and keeps its end.
type outputPipe struct {
	from     *os.File
	to       io.Writer
	tail     io.Writer
	bytes    atomic.Int64 // read so far
	busy     atomic.Bool  // read bytes are not written yet
	stopping atomic.Bool
	open     bool // copyOutput was stopped while the pipe still had a writer
}

// newOutputPipe returns an outputPipe and the end of the pipe for the child.
func newOutputPipe(to io.Writer, t *TailBuffer) (*outputPipe, *os.File, error) {
	from, end, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &outputPipe{from: from, to: to, tail: t}, end, nil
}

// copyOutput copies until the last writer has closed the pipe, or until stop. If the
// reader of our output has closed it, copyOutput closes the pipe, and the writers
// receive SIGPIPE as they would without us. It writes all bytes that it has read.
func (o *outputPipe) copyOutput() {
	watchForClosedReader(o.to, func() { _ = o.from.Close() }) // closed already: just as well
	buffer := make([]byte, 64<<10)
	for left := maxBackgroundOutput; ; {
		stopping := o.stopping.Load()
		if stopping {
			_ = o.from.SetReadDeadline(time.Now().Add(outputPollInterval)) // pipes can
		}
		n, err := o.from.Read(buffer)
		lost := o.writeChunk(buffer[:n])
		timeout := errors.Is(err, os.ErrDeadlineExceeded)
		if stopping {
			left -= n
		}
		switch {
		case lost != nil, err != nil && !timeout:
			_ = o.from.Close() // nothing more is read
			return
		case stopping && (timeout || left <= 0):
			o.open = true
			return
		}
	}
}

// writeChunk writes bytes to the tail and the destination.
func (o *outputPipe) writeChunk(p []byte) error {
	o.busy.Store(true)
	defer o.busy.Store(false)
	o.bytes.Add(int64(len(p)))
	_, _ = o.tail.Write(p) // never fails
	_, err := o.to.Write(p)
	return err
}

// stop makes copyOutput return when the pipe is empty, or when all output that was in
// it at the end of the child has been written.
func (o *outputPipe) stop() {
	_ = o.from.SetReadDeadline(time.Now()) // closed already: it has returned
	o.stopping.Store(true)                 // from now on, copyOutput sets the deadline
}

// waitForOutput waits after the end of the child until its output has been passed on,
// and for a moment for the output of its background processes.
func (c *child) waitForOutput(ctx context.Context) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, slowReaderTimeout)
	defer cancel()
	look := time.NewTicker(outputPollInterval)
	defer look.Stop()
	first, last := c.bytesRead(), int64(-1)
	for {
		select {
		case <-c.drained:
			return
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := c.bytesRead()
		if time.Since(began) >= backgroundOutputTimeout && !c.busy() && (now == last || now-first > maxBackgroundOutput) {
			return
		}
		last = now
	}
}

func (c *child) bytesRead() (n int64) {
	for _, o := range c.outputs {
		n += o.bytes.Load()
	}
	return n
}

func (c *child) busy() bool {
	for _, o := range c.outputs {
		if o.busy.Load() {
			return true
		}
	}
	return false
}

// detachOutput ends the copying. A pipe that is still open belongs to a background
// process of the child: another process reads it from now on, so that this one can
// end. There is no time limit for a slow reader of the output, because the child would
// have waited as well.
func (c *child) detachOutput(ctx context.Context) {
	for _, o := range c.outputs {
		o.stop()
	}
	select {
	case <-c.drained:
	case <-ctx.Done():
		return // a signal came, and the reader takes nothing
	}
	open := []*outputPipe{}
	for _, o := range c.outputs {
		if o.open {
			open = append(open, o)
		}
	}
	if len(open) == 0 {
		return
	}
	if err := startForwarder(open); err != nil {
		c.warn("%v; waiting until the background processes of the job close its output", err)
		c.drained = make(chan struct{})
		c.outputs = open
		for _, o := range open {
			o.stopping.Store(false)
			_ = o.from.SetReadDeadline(time.Time{}) // without effect once it was handed out
		}
		c.startCopying()
		<-c.drained
	}
}

// sameFile reports whether both streams are the same file, pipe or terminal.
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
