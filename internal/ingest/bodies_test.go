package ingest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBodies_ReadKeepsWhatFitsAndGivesAllBack(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 15_000)
	for _, row := range []struct {
		name       string
		budget     int64
		body, want int
		more       bool
	}{
		{"nothing", 1 << 20, 0, 0, false},
		{"a line", 1 << 20, 10, 10, false},
		{"as much as is read at first", 1 << 20, firstRead, firstRead, false},
		{"more than that", 1 << 20, firstRead + 1, firstRead + 1, false},
		{"exactly what is kept", 1 << 20, mostBody, mostBody, true},
		{"more than is kept", 1 << 20, 150_000, mostBody, true},
		{"no room at all", 9, 10, 0, true},
		{"room for the beginning", firstRead, 50_000, firstRead, true},
	} {
		for _, declared := range []int64{int64(row.body), -1} {
			if declared < 0 && row.budget == 9 {
				continue // the first read of an unknown length takes more
			}
			b := NewBodies(row.budget)
			got, more, err := b.read(iotest.HalfReader(bytes.NewReader(text[:row.body])), declared, mostBody)
			if err != nil || !bytes.Equal(got, text[:row.want]) {
				t.Errorf("%s, declared %d: %d bytes, %v; want the first %d", row.name, declared, len(got), err, row.want)
			}
			if exact := row.body == mostBody && declared >= 0; more != (row.more && !exact) {
				t.Errorf("%s, declared %d: more %t", row.name, declared, more)
			}
			if b.give(got); b.used.Load() != 0 {
				t.Errorf("%s, declared %d: %d bytes are still taken", row.name, declared, b.used.Load())
			}
		}
	}
}

func TestBodies_ABodyTakesLittleBeforeItArrives(t *testing.T) {
	b := NewBodies(1 << 20)
	body, _, err := b.read(io.MultiReader(strings.NewReader("x"), broken), mostBody, mostBody)
	if err == nil || b.used.Load() > firstRead {
		t.Errorf("one byte of 100 kB took %d bytes, error %v; want at most %d", b.used.Load(), err, firstRead)
	}
	if b.give(body); b.used.Load() != 0 {
		t.Errorf("a body that broke off left %d bytes taken", b.used.Load())
	}
}

func TestServeHTTP_APingCountsWhenThereIsNoMemoryForItsBody(t *testing.T) {
	take(t, func(d *desk) {
		d.handler.Bodies = NewBodies(firstRead)
		for n, kept := range map[int]int{firstRead: firstRead, 50_000: firstRead} {
			if answer := d.send("POST", "/fail", bytes.NewReader(make([]byte, n))); answer.Code != http.StatusOK {
				d.t.Errorf("%d bytes: answered %d; want 200", n, answer.Code)
			}
			if p, _ := d.newest(); len(p.Body) != kept {
				d.t.Errorf("%d bytes: %d stored; want %d", n, len(p.Body), kept)
			}
		}
		d.handler.Bodies.used.Store(firstRead) // others have taken all
		before, _ := d.newest()
		if answer := d.send("POST", "/fail", strings.NewReader("disk full")); answer.Code != http.StatusOK {
			d.t.Errorf("without any memory left: answered %d; want 200", answer.Code)
		}
		if p, _ := d.newest(); p.N != before.N+1 || len(p.Body) != 0 {
			d.t.Errorf("without any memory left: ping %d with %d bytes; want %d without a body", p.N, len(p.Body), before.N+1)
		}
	})
}
