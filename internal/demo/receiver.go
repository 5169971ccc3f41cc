package demo

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Receiver receives the alerts of the data on this machine and discards them.
type Receiver struct {
	Webhooks string // base URL of the webhooks
	Mail     string // URL of the mail server
	web      *http.Server
	smtp     *smtp.Server
}

// receiverTimeout is the limit of a read or write.
const receiverTimeout = 30 * time.Second

// StartReceiver starts a receiver on free ports of this machine.
func StartReceiver() (*Receiver, error) {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	mail, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	r := &Receiver{Webhooks: "http://" + web.Addr().String(), Mail: "smtp+insecure://" + mail.Addr().String()}
	r.web = &http.Server{Handler: http.HandlerFunc(serveWebhook), ReadHeaderTimeout: receiverTimeout}
	r.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return discard{}, nil }))
	r.smtp.Domain, r.smtp.ReadTimeout, r.smtp.WriteTimeout, r.smtp.MaxMessageBytes = "mail.example.com", receiverTimeout, receiverTimeout, 1<<20
	go func() { _ = r.web.Serve(web) }()   // until Close
	go func() { _ = r.smtp.Serve(mail) }() // until Close
	return r, nil
}

// Close stops the receiver.
func (r *Receiver) Close() {
	_ = r.web.Close()  // nothing is lost
	_ = r.smtp.Close() // nothing is lost
}

// serveWebhook accepts or rejects a webhook, depending on its path.
func serveWebhook(w http.ResponseWriter, req *http.Request) {
	switch {
	case strings.HasPrefix(req.URL.Path, "/failing/"):
		http.Error(w, "no such hook", http.StatusNotFound)
	case strings.HasPrefix(req.URL.Path, "/retrying/"):
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	}
}

// discard is a mail session that accepts everything.
type discard struct{}

func (discard) Mail(string, *smtp.MailOptions) error { return nil }
func (discard) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (discard) Reset()                               {}
func (discard) Logout() error                        { return nil }

// Data discards a message.
func (discard) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
