package notify

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is a real SMTP server on this machine. It keeps the messages that it accepts.
type mailServer struct {
	address     string
	authority   *tls.Config // trusts the server's certificate
	certificate []byte      // in DER form

	mu       sync.Mutex
	answers  map[string]error // by recipient, "" for MAIL FROM, "." for the body
	accepted []delivery
	signIns  []string
}

// delivery is one message that the server accepted.
type delivery struct {
	helo  string
	from  string
	to    []string
	raw   []byte
	isTLS bool
}

// startMailServer starts a server. change, if not nil, changes its settings. With
// implicit, the connection uses TLS from the first byte.
func startMailServer(t *testing.T, implicit bool, change func(*smtp.Server)) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startMailServerOn(t, listener, implicit, change)
}

// startMailServerOn starts a server on listener.
func startMailServerOn(t *testing.T, listener net.Listener, implicit bool, change func(*smtp.Server)) *mailServer {
	t.Helper()
	// The certificate is that of a test web server: it is valid for 127.0.0.1, and only
	// the test trusts it.
	web := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	m := &mailServer{answers: map[string]error{}, authority: web.Client().Transport.(*http.Transport).TLSClientConfig, certificate: web.Certificate().Raw}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: m, conn: c}, nil
	}))
	server.TLSConfig = &tls.Config{Certificates: web.TLS.Certificates}
	server.ErrorLog = log.New(io.Discard, "", 0)
	if change != nil {
		change(server)
	}
	m.address = listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // returns after the Close below
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return m
}

// setReply sets the reply to a recipient, to the sender (""), or to the body (".").
func (m *mailServer) setReply(to string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[to] = err
}

// deliveries returns the messages accepted until now.
func (m *mailServer) deliveries() []delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]delivery(nil), m.accepted...)
}

// session is one connection to the server.
type session struct {
	server *mailServer
	conn   *smtp.Conn
	now    delivery
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.signIns = append(s.server.signIns, user)
		if password != "pa/ss word" {
			return &smtp.SMTPError{Code: 535, Message: "no such sign-in: " + user + " " + password}
		}
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.now.from, s.now.helo = from, s.conn.Hostname()
	return s.server.answers[""]
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if err := s.server.answers[to]; err != nil {
		return err
	}
	s.now.to = append(s.now.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if err := s.server.answers["."]; err != nil {
		return err
	}
	s.now.raw = raw
	_, s.now.isTLS = s.conn.TLSConnectionState()
	s.server.accepted = append(s.server.accepted, s.now)
	return nil
}

func (s *session) Reset()        { s.now = delivery{} }
func (s *session) Logout() error { return nil }

// parsedMail is a delivery as a mail program reads it.
type parsedMail struct {
	header     mail.Header
	text, html string
}

// read parses a delivery. The test fails on a part of an unexpected type.
func (d delivery) read(t *testing.T) parsedMail {
	t.Helper()
	r, err := mail.CreateReader(bytes.NewReader(d.raw))
	if err != nil {
		t.Fatal(err)
	}
	out := parsedMail{header: r.Header}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		switch kind := part.Header.Get("Content-Type"); {
		case strings.HasPrefix(kind, "text/plain"):
			out.text = text
		case strings.HasPrefix(kind, "text/html"):
			out.html = text
		default:
			t.Errorf("a part of type %q", kind)
		}
	}
}
