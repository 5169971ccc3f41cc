package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Time limits of processes.
const (
	startTimeout = 3 * time.Minute
	stopTimeout  = 30 * time.Second
	maxLogLines  = 20 // number of log lines kept for error messages
)

// child is a server that we started.
type child struct {
	address string // on which it listens
	debug   string // address of its profiles; "": none
	cmd     *exec.Cmd
	ended   chan struct{} // closed after the process has exited
	log     []string      // last lines; read only after ended is closed
}

// launch starts a program and returns when its log contains the address on which
// it listens.
func launch(ctx context.Context, program string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	// If bench is killed, the kernel kills the child too. Ctrl-C reaches only
	// bench, which then stops the child with SIGTERM.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	out, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", program, err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	address := make(chan string, 1)
	go c.readLog(out, address)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case c.address = <-address:
		return c, nil
	case <-c.ended:
		return nil, fmt.Errorf("%s ended at once:\n%s", program, strings.Join(c.log, "\n"))
	case <-ctx.Done():
		c.kill()
		return nil, fmt.Errorf("%s did not log its address: %w", program, context.Cause(ctx))
	}
}

// readLog reads the log to its end, so that the child never blocks on a full pipe.
func (c *child) readLog(log io.Reader, address chan<- string) {
	defer close(c.ended)
	lines := bufio.NewScanner(log)
	for sent := false; lines.Scan(); {
		var line struct{ Msg, Address string }
		if !sent && json.Unmarshal(lines.Bytes(), &line) == nil {
			switch line.Msg {
			case "serving profiles": // before the next one
				c.debug = line.Address
			case "serving":
				address <- line.Address
				sent = true
			}
		}
		c.log = append(c.log, lines.Text())
		c.log = c.log[max(0, len(c.log)-maxLogLines):]
	}
	// stop reports how the process ended: only stop can tell an intended exit from a crash.
	_ = c.cmd.Wait()
}

// stop stops the child with a signal. It returns an error if the child does not
// exit in time, or has already exited.
func (c *child) stop() error {
	signalled := c.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-c.ended:
	case <-timer.C:
		c.kill()
		return fmt.Errorf("server did not stop within %s", stopTimeout)
	}
	if signalled != nil || !c.cmd.ProcessState.Success() {
		return fmt.Errorf("server exited with an error: %s\n%s", c.cmd.ProcessState, strings.Join(c.log, "\n"))
	}
	return nil
}

// kill kills the child. It has no effect if the child has ended.
func (c *child) kill() {
	if err := c.cmd.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
		return
	}
	<-c.ended
}

// residentMemory returns the resident memory of the child in bytes: VmRSS in
// proc_pid_status(5).
func (c *child) residentMemory() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory of server: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var kB float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kB); n == 1 { // other lines do not match
			return kB * 1024, nil
		}
	}
	return 0, errors.New("memory of server: no line VmRSS")
}

// ticksPerSecond is the unit of times in /proc. It is the same on every Linux and
// does not depend on the clock of the kernel.
const ticksPerSecond = 100

// cpuTime returns the processor time of the child, see proc_pid_stat(5).
// Other work on the machine changes it little, unlike the rate of pings.
func (c *child) cpuTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("processor time of server: %w", err)
	}
	// The program's name may contain spaces; field 3, the state, follows it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, errors.New("processor time of server: too few fields")
	}
	var ticks [2]int64
	if _, err := fmt.Sscan(fields[user]+" "+fields[system], &ticks[0], &ticks[1]); err != nil {
		return 0, fmt.Errorf("processor time of server: %w", err)
	}
	return time.Duration(ticks[0]+ticks[1]) * time.Second / ticksPerSecond, nil
}
