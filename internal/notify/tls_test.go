package notify

import (
	"crypto/tls"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
)

func TestNewSender_TrustsTheAuthorityInTheFile(t *testing.T) {
	m := startMailServer(t, false, nil)
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.certificate})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	opts := Options{SMTPURL: "smtp://" + m.address, SMTPFrom: "o@example.com"}
	_, err := alert(t, newTestSender(t, opts), "a@example.com")
	if got := sendErrorOf(t, err); got.Permanent || !strings.Contains(got.Reason, "set --smtp-ca") {
		t.Errorf("without the file: %+v; want it to name the setting", got)
	}
	opts.SMTPCA = file
	if _, err := alert(t, newTestSender(t, opts), "a@example.com"); err != nil {
		t.Errorf("with the file: %v", err)
	}
	if !m.onlyDelivery(t).isTLS {
		t.Error("it was sent unencrypted")
	}
	opts.SMTPURL = strings.Replace(opts.SMTPURL, "127.0.0.1", "localhost", 1)
	_, err = alert(t, newTestSender(t, opts), "a@example.com")
	if got := sendErrorOf(t, err); !strings.Contains(got.Reason, "The certificate of localhost is for other names (example.com") {
		t.Errorf("another name: %+v; want the names of the certificate", got)
	}
}

func TestNewSender_RejectsAFileWithoutAuthorities(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{empty: "no certificate in PEM form", empty + ".absent": "no such file"} {
		_, err := NewSender(Options{SMTPURL: "smtp://mail.example.com", SMTPFrom: "o@example.com", SMTPCA: file})
		if err == nil || !strings.Contains(err.Error(), "smtp-ca: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want …%s…", file, err, want)
		}
	}
}

func TestSend_TLSFromTheFirstByteToAServerWithoutItSaysSo(t *testing.T) {
	m := startMailServer(t, false, nil)
	_, err := alert(t, newTestSender(t, Options{SMTPURL: "smtps://" + m.address, SMTPFrom: "o@example.com"}), "a@example.com")
	if got := sendErrorOf(t, err); !strings.Contains(got.Reason, "does not use TLS from the first byte") {
		t.Errorf("%+v", got)
	}
}

func TestSend_ATLSAlertOfTheServerIsNamed(t *testing.T) {
	m := startMailServer(t, true, func(s *smtp.Server) { s.TLSConfig.ClientAuth = tls.RequireAnyClientCert })
	_, err := alert(t, newTestSender(t, Options{SMTPURL: "smtps://" + m.address, SMTPFrom: "o@example.com", TLSConfig: m.authority}), "a@example.com")
	if got := sendErrorOf(t, err); got.Reason != `127.0.0.1 ended the encryption with "certificate required": see the log of the mail server.` {
		t.Errorf("%+v", got)
	}
}
