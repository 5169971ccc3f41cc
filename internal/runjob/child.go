package runjob

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"overdue/client"
)

// child is the process of the job and its output.
type child struct {
	command  []string
	cmd      *exec.Cmd
	std      Streams
	warn     func(format string, args ...any)
	outputs  []*outputPipe   // streams that pass through us
	readEnds []func() []byte // ends of the streams, standard output first
	drained  chan struct{}   // closed when all outputs have ended
}

// newChild returns a child that is not started yet.
func newChild(command []string, std Streams, warn func(string, ...any)) *child {
	return &child{command: command, std: std, warn: warn, drained: make(chan struct{})}
}

// start starts the command. If no descriptors are left for pipes, the command writes
// to our own output, which is then not sent.
func (c *child) start(t *TailBuffer, bare bool) error {
	err := c.startOnce(t, bare)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		c.warn("the output of the job is not sent: %v", err)
		c.outputs, c.readEnds = nil, nil
		err = c.startOnce(t, true)
	}
	if err != nil {
		return err
	}
	closeInherited(c.std)
	c.startCopying()
	return nil
}

// startOnce tries to start the command. If it fails, the command has written nothing.
func (c *child) startOnce(t *TailBuffer, bare bool) error {
	c.cmd = lookCommand(c.command)
	ends, err := c.connect(t, bare)
	if err == nil {
		err = c.launch()
	}
	for _, end := range ends {
		_ = end.Close() // the child has its own copy
	}
	if err != nil {
		for _, o := range c.outputs {
			_ = o.from.Close() // nothing was written
		}
	}
	return err
}

// lookCommand finds a command as a shell does: also in the current directory, if PATH
// contains it.
func lookCommand(command []string) *exec.Cmd {
	cmd := exec.Command(command[0], command[1:]...)
	if errors.Is(cmd.Err, exec.ErrDot) {
		cmd.Err = nil
	}
	return cmd
}

// launch starts the process. A text file without an interpreter line is a shell
// script, as for a shell (POSIX, XCU 2.9.1.4).
func (c *child) launch() error {
	c.cmd.WaitDelay = backgroundOutputTimeout // matters only if a stream is not a file
	c.cmd.SysProcAttr = killWithParent()
	err := c.cmd.Start()
	if !errors.Is(err, syscall.ENOEXEC) {
		return err
	}
	script := exec.Command("/bin/sh", append([]string{c.cmd.Path}, c.cmd.Args[1:]...)...)
	script.Stdin, script.Stdout, script.Stderr = c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr
	script.WaitDelay, script.SysProcAttr = c.cmd.WaitDelay, c.cmd.SysProcAttr
	c.cmd = script
	return c.cmd.Start()
}

// connect connects the streams of the child with their destinations, and returns the
// ends of pipes that belong to the child.
func (c *child) connect(t *TailBuffer, bare bool) ([]*os.File, error) {
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = c.std.In, c.std.Out, c.std.Err
	if bare {
		return nil, nil
	}
	out, err := c.route(c.std.Out, t)
	if err != nil {
		return nil, err
	}
	ends := []*os.File{}
	if out != nil {
		c.cmd.Stdout = out
		ends = append(ends, out)
	}
	if sameFile(c.std.Out, c.std.Err) {
		// One pipe for both keeps the order of lines.
		c.cmd.Stderr = c.cmd.Stdout
		return ends, nil
	}
	errs, err := c.route(c.std.Err, t)
	if errs != nil {
		c.cmd.Stderr = errs
		ends = append(ends, errs)
	}
	return ends, err
}

// route connects one stream with its destination. It returns nil if the child
// gets the destination itself, otherwise the end of a pipe.
//
// Programs behave differently if they write to a pipe instead of a terminal or
// another device, so they get the device. The end of a regular file can be read
// afterwards. All other output passes through a pipe of ours.
func (c *child) route(to io.Writer, t *TailBuffer) (*os.File, error) {
	if file, ok := to.(*os.File); ok {
		if isDevice(file) {
			return nil, nil
		}
		if log := openOutputFile(file); log != nil {
			c.readEnds = append(c.readEnds, log.readEnd)
			return nil, nil
		}
	}
	o, end, err := newOutputPipe(to, t)
	if err != nil {
		return nil, err
	}
	if len(c.outputs) == 0 { // outputs share one tail
		c.readEnds = append(c.readEnds, t.Bytes)
	}
	c.outputs = append(c.outputs, o)
	return end, nil
}

// startCopying starts to pass the output on.
func (c *child) startCopying() {
	var all sync.WaitGroup
	for _, o := range c.outputs {
		all.Go(o.copyOutput)
	}
	go func() {
		all.Wait()
		close(c.drained)
	}()
}

// wait passes signals on until the child has ended.
func (c *child) wait(s *signals) *os.ProcessState {
	ended := make(chan struct{})
	go func() {
		// The error repeats the exit code, or says that the child did not read its
		// standard input. Neither is a failure of the run.
		_ = c.cmd.Wait()
		close(ended)
	}()
	for {
		select {
		case sig := <-s.received:
			s.forward(c.cmd.Process, sig)
		case <-ended:
			return c.cmd.ProcessState
		}
	}
}

// body returns the end of the output for the ping. If the streams have different
// destinations, it contains the end of each, and the longer one is cut first.
func (c *child) body() []byte {
	ends := [][]byte{}
	for _, end := range c.readEnds {
		ends = append(ends, end())
	}
	switch len(ends) {
	case 0:
		return nil
	case 1:
		return ends[0]
	}
	half := client.BodyLimit / 2
	first := client.Tail(ends[0], max(half, client.BodyLimit-len(ends[1])))
	return append(first, client.Tail(ends[1], client.BodyLimit-len(first))...)
}
