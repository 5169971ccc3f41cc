package runjob

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
)

// firstInheritable is the first descriptor after the standard streams.
const firstInheritable = 3

// ForwardOutput passes the output of background processes on until the last writer
// has closed it, and reports on ready when it has begun. Descriptors 3 and 4 are
// the source and destination of the first stream, 5 and 6 of the second. No signal
// ends it: the writers may ignore signals too, and would lose their reader.
func ForwardOutput(streams int, ready io.Writer) error {
	signal.Ignore(forwardedSignals()...)
	signal.Notify(make(chan os.Signal, 1), brokenPipeSignal()) // a write fails instead
	outputs := []*outputPipe{}
	for i := range streams {
		from, to := firstInheritable+2*i, firstInheritable+2*i+1
		outputs = append(outputs, &outputPipe{
			from: os.NewFile(uintptr(from), "job"), to: os.NewFile(uintptr(to), "destination"), tail: io.Discard,
		})
	}
	// The parent can end now.
	if _, err := fmt.Fprintln(ready, "ready"); err != nil {
		return fmt.Errorf("output of the job: not ready: %w", err)
	}
	if err := ready.(io.Closer).Close(); err != nil {
		return fmt.Errorf("output of the job: not ready: %w", err)
	}
	var all sync.WaitGroup
	for _, o := range outputs {
		all.Go(func() {
			o.copyOutput()
			_ = o.to.(io.Closer).Close() // its reader sees the end, also while the other stream goes on
		})
	}
	all.Wait()
	return nil
}
