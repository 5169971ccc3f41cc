package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// smtpTimeouts holds the timeouts of one attempt. RFC 5321, section 4.5.3.2, allows
// more for commands. A slower server is retried later.
type smtpTimeouts struct {
	step       time.Duration // the connection, the greeting and each command
	body       time.Duration // sending the message
	final      time.Duration // from the final dot to its reply
	beforeData time.Duration // everything before the final dot
	quit       time.Duration // QUIT, whose reply does not matter
}

// maxReplyBytes is the maximum size of the replies in one session, in bytes. Replies and
// certificates normally take a few kB, and the library keeps each reply in memory.
const maxReplyBytes = 1 << 20

// errTooManyReplies means that a server sent more than that.
var errTooManyReplies = errors.New("the server sent more than 1 MB of replies")

// limitedConn is a connection that reads a limited number of bytes.
type limitedConn struct {
	net.Conn
	left int
}

// Read reads data of the server.
func (r *limitedConn) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errTooManyReplies
	}
	n, err := r.Conn.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// smtpSession is one connection to the mail server, ready for messages.
type smtpSession struct {
	relay      *relay
	conn       net.Conn
	client     *smtp.Client
	begun      time.Time
	step       string // the current step, for errors
	limit      time.Duration
	finalDotAt time.Time   // when the final dot was sent
	release    func() bool // disconnects the connection from the context
}

// dial connects, sends EHLO, starts TLS and authenticates. begun is the start of the
// timeout for the steps before the final dot.
func (r *relay) dial(ctx context.Context, begun time.Time) (*smtpSession, *SendError) {
	s := &smtpSession{relay: r, begun: begun, step: "the connection", limit: r.times.step}
	// The dialer of the library does not support IPv6 addresses, and has a single
	// deadline for all steps.
	dialing, cancel := context.WithTimeout(ctx, r.times.step)
	defer cancel()
	conn, err := r.connect(dialing, "tcp", net.JoinHostPort(r.host, strconv.Itoa(r.port)))
	if err != nil {
		return nil, s.sendError(err)
	}
	conn = &limitedConn{Conn: conn, left: maxReplyBytes}
	s.conn = conn
	// The library ignores the context, so the end of the context closes the connection.
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := s.open(ctx); err != nil {
		failure := s.sendError(err)
		s.close()
		return nil, failure
	}
	return s, nil
}

// open prepares a new connection: greeting, TLS and authentication.
func (s *smtpSession) open(ctx context.Context) (err error) {
	text := s.conn
	if s.relay.mode == implicitTLS {
		s.setStep("TLS", s.relay.times.step)
		secure := tls.Client(s.conn, s.relay.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
		text = secure
	}
	s.setStep("its greeting", s.relay.times.step)
	if s.client, err = smtp.NewClient(text, s.relay.host); err != nil {
		return err
	}
	s.setStep("EHLO", s.relay.times.step)
	if err := s.client.Hello(s.relay.ehloName(s.conn.LocalAddr())); err != nil {
		return err
	}
	if s.relay.mode == startTLS {
		if offered, _ := s.client.Extension("STARTTLS"); !offered {
			return errNoSTARTTLS
		}
		s.setStep("STARTTLS", s.relay.times.step)
		if err := s.client.StartTLS(s.relay.tls); err != nil {
			return err
		}
	}
	return s.signIn()
}

// authMechanisms are the supported AUTH mechanisms, in order of preference. PLAIN comes
// first: connections with a user are always encrypted, and it is the most widely
// supported.
var authMechanisms = []string{"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"}

// signIn authenticates if there is a user.
func (s *smtpSession) signIn() error {
	if s.relay.user == nil {
		return nil
	}
	_, list := s.client.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	i := slices.IndexFunc(authMechanisms, func(m string) bool { return slices.Contains(offered, m) })
	if i < 0 {
		return &noMechanismError{offered}
	}
	user := s.relay.user.Username()
	password, _ := s.relay.user.Password()
	var auth smtp.Auth
	switch authMechanisms[i] {
	case "PLAIN":
		auth = smtp.PlainAuth("", user, password, s.relay.host, false)
	case "LOGIN":
		auth = smtp.LoginAuth(user, password, s.relay.host, false)
	case "SCRAM-SHA-256":
		auth = smtp.ScramSHA256Auth(user, password)
	case "SCRAM-SHA-1":
		auth = smtp.ScramSHA1Auth(user, password)
	case "CRAM-MD5":
		auth = smtp.CRAMMD5Auth(user, password)
	}
	s.setStep("AUTH", s.relay.times.step)
	return s.client.Auth(auth)
}

// setStep starts a step and sets its deadline. The steps before the final dot share
// another deadline, so a server that is slow at each step does not hold a slot for
// many minutes.
func (s *smtpSession) setStep(step string, limit time.Duration) {
	s.step, s.limit = step, limit
	deadline := time.Now().Add(limit)
	if all := s.begun.Add(s.relay.times.beforeData); all.Before(deadline) {
		deadline = all
	}
	_ = s.conn.SetDeadline(deadline) // only fails on a closed connection, which the step then reports
}

// awaitFinalReply sets the deadline for the reply to the final dot. It is long,
// because servers filter the message before they reply, and a client that disconnects
// earlier causes duplicates (RFC 5321, section 4.5.3.2.6).
func (s *smtpSession) awaitFinalReply() {
	s.finalDotAt = time.Now()
	s.step, s.limit = "its answer to the message", s.relay.times.final
	_ = s.conn.SetDeadline(s.finalDotAt.Add(s.limit))
}

// quit sends QUIT. Its reply does not matter, because the message was accepted.
func (s *smtpSession) quit() {
	s.step, s.limit = "QUIT", s.relay.times.quit
	_ = s.conn.SetDeadline(time.Now().Add(s.limit))
	_ = s.client.Quit()
}

// close closes the connection.
func (s *smtpSession) close() {
	s.release()
	_ = s.conn.Close() // already closed if QUIT was answered
}
