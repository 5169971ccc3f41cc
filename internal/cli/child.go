package cli

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"time"
)

// child is the command of "run" and what comes out of it.
type child struct {
	cmd     *exec.Cmd
	outputs []*output
	drained chan struct{} // closed when all output has been passed on
}

// start starts the command. Its output goes through pipes of our own, because
// those of package exec know only one bound on the time after its end, which
// would cut off a slow reader as well as a process left in the background.
func (c *child) start(std Streams, t *tail, bare bool) error {
	c.drained = make(chan struct{})
	c.cmd.Stdin = std.In
	c.cmd.WaitDelay = lastWords // matters only where a stream is not a file
	if bare {
		c.cmd.Stdout, c.cmd.Stderr = std.Out, std.Err
		close(c.drained)
		return c.cmd.Start()
	}
	ends, err := c.connect(std, t)
	if err == nil {
		err = c.cmd.Start()
	}
	for _, end := range ends {
		_ = end.Close() // the child has its own copy
	}
	if err != nil {
		for _, o := range c.outputs {
			_ = o.from.Close() // nothing was written
		}
		return err
	}
	c.pump()
	return nil
}

// connect gives the child a pipe for each stream, or one for both where both
// end in the same place: then the order of lines stays what the child made it.
// It returns the ends that belong to the child.
func (c *child) connect(std Streams, t *tail) ([]*os.File, error) {
	out, outEnd, err := newOutput(std.Out, t)
	if err != nil {
		return nil, err
	}
	c.outputs = []*output{out}
	c.cmd.Stdout, c.cmd.Stderr = outEnd, outEnd
	if sameFile(std.Out, std.Err) {
		return []*os.File{outEnd}, nil
	}
	errs, errEnd, err := newOutput(std.Err, t)
	if err != nil {
		return []*os.File{outEnd}, err
	}
	c.outputs = append(c.outputs, errs)
	c.cmd.Stderr = errEnd
	return []*os.File{outEnd, errEnd}, nil
}

// pump starts to pass the output on.
func (c *child) pump() {
	var all sync.WaitGroup
	for _, o := range c.outputs {
		all.Go(o.pump)
	}
	go func() {
		all.Wait()
		close(c.drained)
	}()
}

// wait passes signals on until the child has ended and returns the exit code.
func (c *child) wait(s *signals) int {
	ended := make(chan struct{})
	go func() {
		// The error repeats the exit code, or tells of standard input that the
		// child did not read: neither is ours to judge.
		_ = c.cmd.Wait()
		close(ended)
	}()
	for {
		select {
		case sig := <-s.heard:
			s.forward(c.cmd.Process, sig)
		case <-ended:
			for _, o := range c.outputs {
				o.childEnded()
			}
			return exitCode(c.cmd.ProcessState)
		}
	}
}

// drain waits until all output has been passed on, or ctx ends, or the limit
// is over; 0 is no limit.
func (c *child) drain(ctx context.Context, limit time.Duration) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	select {
	case <-c.drained:
	case <-ctx.Done():
	}
}
