package notify

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// scriptedServer is a mail server in the same process. Its fields define its replies.
// It runs in a synctest bubble, where waiting takes no time.
type scriptedServer struct {
	greeting     string                   // "" for the default
	hello        []string                 // extensions
	replyTo      func(line string) string // reply to a command: "" for the default, "-" closes the connection, "…" for none
	messageReply func(n int) string       // reply to message n, likewise
	slow         map[string]time.Duration // time before the reply to a command, "." for the message
	mu           sync.Mutex
	lines        []string // commands, in order
	messages     []string
	accepted     int // messages that were answered with 250
	dialled      []string
	connected    int
}

// newSender returns a Sender whose mail server is s.
func (s *scriptedServer) newSender(t *testing.T, opts Options) *Sender {
	t.Helper()
	if opts.SMTPURL == "" {
		opts.SMTPURL = "smtp+insecure://mail.example.com"
	}
	if opts.SMTPFrom == "" {
		opts.SMTPFrom = "Overdue <overdue@mail.example.com>"
	}
	out := newTestSender(t, opts)
	out.relay.connect = func(_ context.Context, _, address string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		s.mu.Lock()
		s.dialled = append(s.dialled, address)
		s.connected++
		s.mu.Unlock()
		go s.serve(theirs)
		return ours, nil
	}
	return out
}

// serve serves one connection until it is closed.
func (s *scriptedServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := textproto.NewReader(bufio.NewReader(conn))
	send := func(line string) bool {
		if line == "-" {
			return false
		}
		if line == "…" {
			return true
		}
		_, err := conn.Write([]byte(line + "\r\n"))
		return err == nil
	}
	if s.delay("greeting"); !send(cmp.Or(s.greeting, "220 mail.example.com ESMTP")) {
		return
	}
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		s.recordLine(line)
		s.delay(verb)
		if !send(cmp.Or(s.reply(line), s.defaultReply(verb))) {
			return
		}
		if verb == "DATA" && s.reply(line) == "" {
			body, err := in.ReadDotBytes()
			if err != nil {
				return
			}
			if n := s.keep(body); !s.answerMessage(n, send) {
				return
			}
		}
		if verb == "QUIT" {
			return
		}
	}
}

// answerMessage sends the reply to message n.
func (s *scriptedServer) answerMessage(n int, send func(string) bool) bool {
	s.delay(".")
	reply := ""
	if s.messageReply != nil {
		reply = s.messageReply(n)
	}
	if reply == "" {
		s.mu.Lock()
		s.accepted++
		s.mu.Unlock()
	}
	return send(cmp.Or(reply, "250 2.0.0 queued"))
}

func (s *scriptedServer) reply(line string) string {
	if s.replyTo == nil {
		return ""
	}
	return s.replyTo(line)
}

func (s *scriptedServer) defaultReply(verb string) string {
	switch verb {
	case "EHLO":
		var b strings.Builder
		for _, extension := range s.hello {
			b.WriteString("250-" + extension + "\r\n")
		}
		return "250-mail.example.com\r\n" + b.String() + "250 HELP"
	case "DATA":
		return "354 send the message"
	case "QUIT":
		return "221 bye"
	}
	return "250 ok"
}

func (s *scriptedServer) recordLine(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *scriptedServer) keep(body []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, string(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))))
	return len(s.messages)
}

// commands returns the received commands that begin with prefix.
func (s *scriptedServer) commands(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, line := range s.lines {
		if strings.HasPrefix(line, prefix) {
			out = append(out, line)
		}
	}
	return out
}
