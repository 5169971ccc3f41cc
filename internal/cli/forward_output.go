package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
)

// forwardOutputCmd reads what background processes of a job still write after
// "overdue run" has ended. Only "run" starts it.
type forwardOutputCmd struct {
	Streams int `arg:"" help:"Number of streams: descriptors 3 and 4 are the source and destination of the first, 5 and 6 of the second."`
}

// firstInheritable is the first descriptor after the standard ones.
const firstInheritable = 3

// Run passes the output on until the last writer has closed it. No signal ends it:
// the writers may ignore signals too, and lose their reader if it ends first.
func (c *forwardOutputCmd) Run(std Streams) error {
	signal.Ignore(forwardedSignals()...)
	signal.Notify(make(chan os.Signal, 1), brokenPipeSignal()) // a write fails instead
	outputs := []*outputPipe{}
	for i := range c.Streams {
		from, to := firstInheritable+2*i, firstInheritable+2*i+1
		outputs = append(outputs, &outputPipe{
			from: os.NewFile(uintptr(from), "job"), to: os.NewFile(uintptr(to), "destination"), tail: io.Discard,
		})
	}
	// The process that started us may end now.
	if _, err := fmt.Fprintln(std.Out, "ready"); err != nil {
		return fmt.Errorf("output of the job: no sign of readiness: %w", err)
	}
	if err := std.Out.(io.Closer).Close(); err != nil {
		return fmt.Errorf("output of the job: no sign of readiness: %w", err)
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
