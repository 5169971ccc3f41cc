package notify

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestAPlainLetterGoesToOneAddress(t *testing.T) {
	m := serveMail(t, false, nil)
	door := mailDoor(t, m)
	if err := door.Mail(t.Context(), "ada@example.com", "Invitation\r\nBcc: eve@example.com", "Come in:\nhttps://overdue.example/x\n"); err != nil {
		t.Fatal(err)
	}
	d := m.only(t)
	if !slices.Equal(d.to, []string{"ada@example.com"}) {
		t.Errorf("went to %v", d.to)
	}
	l := d.read(t)
	if s := l.header.Get("Subject"); !strings.HasPrefix(s, "Invitation") || l.header.Get("Bcc") != "" {
		t.Errorf("subject %q, Bcc %q; want one line and no recipient by it", s, l.header.Get("Bcc"))
	}
	if err := door.Mail(t.Context(), "ada@example.com\r\nRCPT TO:<eve@example.com>", "x", "x"); err == nil {
		t.Error("an address with a line break was taken")
	}
}

func TestWithoutAMailServerNoLetterGoesOut(t *testing.T) {
	door, err := NewOutside(OutsideOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := door.Mail(context.Background(), "ada@example.com", "x", "x"); err == nil {
		t.Error("no error")
	}
}
