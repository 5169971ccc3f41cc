package ingest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBodyBudget_ReadKeepsWhatFitsAndReleasesAll(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 15_000)
	for _, row := range []struct {
		name       string
		budget     int64
		body, want int
		more       bool
	}{
		{"nothing", 1 << 20, 0, 0, false},
		{"a line", 1 << 20, 10, 10, false},
		{"as much as is read at first", 1 << 20, initialBodyBuffer, initialBodyBuffer, false},
		{"more than that", 1 << 20, initialBodyBuffer + 1, initialBodyBuffer + 1, false},
		{"exactly what is kept", 1 << 20, maxBody, maxBody, true},
		{"more than is kept", 1 << 20, 150_000, maxBody, true},
		{"no room at all", 9, 10, 0, true},
		{"room for the beginning", initialBodyBuffer, 50_000, initialBodyBuffer, true},
	} {
		for _, declared := range []int64{int64(row.body), -1} {
			if declared < 0 && row.budget == 9 {
				continue // the first read of an unknown length takes more
			}
			b := NewBodyBudget(row.budget)
			got, more, err := b.read(iotest.HalfReader(bytes.NewReader(text[:row.body])), declared, maxBody)
			if err != nil || !bytes.Equal(got, text[:row.want]) {
				t.Errorf("%s, declared %d: %d bytes, %v; want the first %d", row.name, declared, len(got), err, row.want)
			}
			if exact := row.body == maxBody && declared >= 0; more != (row.more && !exact) {
				t.Errorf("%s, declared %d: more %t", row.name, declared, more)
			}
			if b.release(got); b.used.Load() != 0 {
				t.Errorf("%s, declared %d: %d bytes are still taken", row.name, declared, b.used.Load())
			}
		}
	}
}

func TestBodyBudget_ABodyReservesLittleBeforeItArrives(t *testing.T) {
	b := NewBodyBudget(1 << 20)
	body, _, err := b.read(io.MultiReader(strings.NewReader("x"), interruptedBody), maxBody, maxBody)
	if err == nil || b.used.Load() > initialBodyBuffer {
		t.Errorf("one byte of 100 kB took %d bytes, error %v; want at most %d", b.used.Load(), err, initialBodyBuffer)
	}
	if b.release(body); b.used.Load() != 0 {
		t.Errorf("an interrupted body left %d bytes reserved", b.used.Load())
	}
}

func TestServeHTTP_APingCountsWhenThereIsNoMemoryForItsBody(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		d.handler.BodyBudget = NewBodyBudget(initialBodyBuffer)
		for n, kept := range map[int]int{initialBodyBuffer: initialBodyBuffer, 50_000: initialBodyBuffer} {
			if answer := d.send("POST", "/fail", bytes.NewReader(make([]byte, n))); answer.Code != http.StatusOK {
				d.t.Errorf("%d bytes: answered %d; want 200", n, answer.Code)
			}
			if p, _ := d.newest(); len(p.Body) != kept {
				d.t.Errorf("%d bytes: %d stored; want %d", n, len(p.Body), kept)
			}
		}
		d.handler.BodyBudget.used.Store(initialBodyBuffer) // others have taken all
		before, _ := d.newest()
		if answer := d.send("POST", "/fail", strings.NewReader("disk full")); answer.Code != http.StatusOK {
			d.t.Errorf("without any memory left: answered %d; want 200", answer.Code)
		}
		if p, _ := d.newest(); p.Number != before.Number+1 || len(p.Body) != 0 {
			d.t.Errorf("without any memory left: ping %d with %d bytes; want %d without a body", p.Number, len(p.Body), before.Number+1)
		}
	})
}
