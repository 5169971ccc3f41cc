package binary

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// startTimeout is the maximum duration of a start, which can migrate the schema.
const startTimeout = time.Minute

// Server is a running server, for commands that compare databases.
type Server struct {
	Address string // on which it listens
	cmd     *exec.Cmd
	ended   chan struct{} // closed after the process has exited
	log     []string      // last lines; read only after ended is closed
}

// Serve starts "serve" with arguments and returns when its log contains the address
// on which it listens. Older versions write other words into the same JSON.
func Serve(program string, args ...string) (*Server, error) {
	s := &Server{cmd: exec.Command(program, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, args...)...), ended: make(chan struct{})}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(log)
		for sent := false; lines.Scan(); {
			var line struct{ Address string }
			if !sent && json.Unmarshal(lines.Bytes(), &line) == nil && line.Address != "" {
				address <- line.Address
				sent = true
			}
			s.log = append(s.log, lines.Text())
			s.log = s.log[max(0, len(s.log)-20):]
		}
		_ = s.cmd.Wait() // the caller knows whether it ended the process
	}()
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case s.Address = <-address:
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("the server ended at once:\n%s", strings.Join(s.log, "\n"))
	case <-timer.C:
		s.Kill()
		return nil, errors.New("the server did not log its address")
	}
}

// Kill kills the server.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
}

// Stop stops the server.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-s.ended
	if !s.cmd.ProcessState.Success() {
		return fmt.Errorf("the server ended with %s:\n%s", s.cmd.ProcessState, strings.Join(s.log, "\n"))
	}
	return nil
}
