package httpd_test

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"overdue/internal/httpd"
)

// The beginning of an HTTP/2 connection, and of a header block that does not end
// (RFC 9113, 3.4 and 6.2).
const (
	clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	halfHeader    = "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82"
)

func TestServe_HalfAnHTTP2HeaderEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := startServer(t, httpd.Options{Handler: okHandler})
	for name, text := range map[string]string{
		"the preface alone": clientPreface[:20], "no header": clientPreface, "half a frame": clientPreface + halfHeader[:5], "half a header": clientPreface + halfHeader,
	} {
		c := s.dial("127.0.0.1", text)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, ended := readUntilClosed(t, c, 60*time.Second); !ended {
				t.Error("the connection is open after a minute")
			}
		})
	}
}

func TestServe_UnfinishedHTTP2RequestsEnd(t *testing.T) {
	t.Parallel()
	s := startServer(t, httpd.Options{Handler: okHandler})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	c := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: time.Minute}
	var requests sync.WaitGroup
	for range 250 {
		requests.Go(func() {
			body, more := io.Pipe()
			defer more.Close()
			go func() { _, _ = more.Write([]byte("half")) }() // the rest never comes
			resp, err := c.Post(s.url(), "text/plain", body)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.ProtoMajor != 2 {
				t.Errorf("answered with HTTP/%d", resp.ProtoMajor)
			}
		})
	}
	requests.Wait()
	if n := s.count(httpd.BodyTimeout); n != 250 {
		t.Errorf("counted %d bodies that did not arrive; want 250", n)
	}
}
