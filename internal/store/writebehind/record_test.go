package writebehind

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"overdue/internal/monitor"
)

// transitionsFor returns the transitions of a batch whose heartbeats exist.
func transitionsFor(batch []ReceivedPing) []Transition {
	var all []Transition
	for _, r := range batch {
		all = append(all, Transition{Heartbeat: monitor.Heartbeat{ID: r.ID}, Change: monitor.Change{Ping: r.Ping}})
	}
	return all
}

// encode returns the record of a batch.
func encode(t interface{ Fatal(...any) }, batch []ReceivedPing) []byte {
	text, err := encodeBatch(batch, transitionsFor(batch))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// anyPing draws a ping with values of which some are in many pings.
func anyPing(t *rapid.T) ReceivedPing {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b"}), rapid.String())
	at := time.UnixMicro(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "at")).UTC()
	p := monitor.Ping{
		Number: rapid.Int64().Draw(t, "number"), Kind: monitor.PingKind(text.Draw(t, "kind")), At: at, RunID: text.Draw(t, "run"),
		ExitCode: rapid.IntRange(-1, 255).Draw(t, "exit"), Method: text.Draw(t, "method"), Source: text.Draw(t, "source"),
		UserAgent: text.Draw(t, "agent"), Host: rapid.SampledFrom([]string{"", "", "web1", "é"}).Draw(t, "host"), Flags: monitor.PingFlags(rapid.Byte().Draw(t, "flags")),
	}
	if p.Body = rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body"); len(p.Body) == 0 {
		p.Body = nil
	}
	p.BodySize = int64(len(p.Body))
	id := rapid.OneOf(text, rapid.SampledFrom([]string{
		"123e4567-e89b-42d3-a456-426614174000", "123E4567-E89B-42D3-A456-426614174000", "00000000-0000-0000-0000-000000000000",
		"{123e4567-e89b-42d3-a456-426614174000}", "123e4567e89b42d3a456426614174000", "123e4567-e89b-42d3-a456-42661417400g",
	})).Draw(t, "id")
	early := time.Duration(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "early")) * time.Microsecond
	return ReceivedPing{ID: id, Ping: p, Watermark: at.Add(-early)}
}

func TestDecodeBatch_ReturnsEveryBatchThatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := rapid.SliceOfN(rapid.Custom(anyPing), 1, 8).Draw(t, "batch")
		got, err := DecodeBatch(encode(t, batch))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(batch, got); diff != "" {
			t.Fatalf("pings (-encoded +decoded):\n%s", diff)
		}
	})
}

// Versions 1 to 17 of the schema had records in JSON, and a server that was killed left
// them to the version that was installed next.
func TestDecodeBatch_ReadsRecordsOfVersionsThatWroteJSON(t *testing.T) {
	text := `[{"i":"123e4567-e89b-42d3-a456-426614174000","h":1772366400000000,"a":1772366400000001,"k":"fail","r":"run","x":3,"m":"POST","s":"192.0.2.1","u":"curl/8","b":"AP9vdXQ=","f":4,"n":7},` +
		`{"i":"a","h":1772366400000002,"a":1772366400000002,"k":"success","x":-1,"m":"GET","s":"192.0.2.1","n":8}]`
	got, err := DecodeBatch([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []ReceivedPing{
		{ID: "123e4567-e89b-42d3-a456-426614174000", Watermark: start, Ping: monitor.Ping{
			Number: 7, Kind: monitor.PingFail, At: start.Add(time.Microsecond), RunID: "run", ExitCode: 3, Method: "POST",
			Source: "192.0.2.1", UserAgent: "curl/8", Body: []byte("\x00\xffout"), BodySize: 5, Flags: monitor.BodyAborted,
		}},
		{ID: "a", Watermark: start.Add(2 * time.Microsecond), Ping: monitor.Ping{
			Number: 8, Kind: monitor.PingSuccess, At: start.Add(2 * time.Microsecond), ExitCode: -1, Method: "GET", Source: "192.0.2.1",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pings (-want +got):\n%s", diff)
	}
}

func TestDecodeBatch_RejectsWhatIsNoRecord(t *testing.T) {
	whole := encode(t, []ReceivedPing{{ID: "a", Watermark: start, Ping: monitor.Ping{Kind: monitor.PingSuccess, At: start, Body: []byte("body")}}})
	for n := range whole {
		if got, err := DecodeBatch(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes: %+v; want an error", n, len(whole), got)
		}
	}
	for _, text := range []string{string(whole) + "x", "\x02", "\x01\xff\xff\xff\xff\x7f", "{", "null pings"} {
		if got, err := DecodeBatch([]byte(text)); err == nil {
			t.Errorf("%q: %+v; want an error", text, got)
		}
	}
}

func TestDecodeBatch_SaysThatANewerVersionWroteARecord(t *testing.T) {
	for _, text := range []string{"\x03", "\x03\x01rest", "\xff"} {
		if _, err := DecodeBatch([]byte(text)); !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), "Start that version") {
			t.Errorf("%q: %v; want ErrNewerFormat and advice", text, err)
		}
	}
	for _, text := range []string{"", "\x01", "\x02", "\x02\x01", "[", "[{"} {
		if _, err := DecodeBatch([]byte(text)); err == nil || errors.Is(err, ErrNewerFormat) {
			t.Errorf("%q: %v; want another error", text, err)
		}
	}
}

// An earlier version reads the records of format 1 after a downgrade, and keeps all others.
func TestEncodeBatch_OnlyHostsNeedTheNewFormat(t *testing.T) {
	ping := func(host string) ReceivedPing {
		return ReceivedPing{ID: "a", Watermark: start, Ping: monitor.Ping{Kind: monitor.PingSuccess, At: start, Host: host}}
	}
	without, with := encode(t, []ReceivedPing{ping(""), ping("")}), encode(t, []ReceivedPing{ping(""), ping("web1")})
	if without[0] != 1 || with[0] != 2 {
		t.Errorf("formats %d and %d; want 1 without hosts, and 2", without[0], with[0])
	}
	if n := len(with) - len(without); n != 1+1+len("web1") {
		t.Errorf("%d more bytes; want the host, and a byte for each ping", n)
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add([]byte("[]"))
	f.Add(encode(f, []ReceivedPing{
		{ID: uuid.NewString(), Watermark: start, Ping: monitor.Ping{Kind: monitor.PingSuccess, At: start, Method: "POST"}},
		{ID: "a", Watermark: start, Ping: monitor.Ping{Kind: monitor.PingFail, At: start, RunID: "run", Body: []byte("body"), BodySize: 4}},
	}))
	f.Add(encode(f, []ReceivedPing{{ID: "a", Watermark: start, Ping: monitor.Ping{Kind: monitor.PingFail, At: start, Host: "web1"}}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		batch, err := DecodeBatch(text)
		if err != nil || len(text) == 0 || text[0] != recordFormat && text[0] != recordWithHosts {
			return
		}
		again, err := DecodeBatch(encode(t, batch))
		if diff := cmp.Diff(batch, again); err != nil || diff != "" {
			t.Errorf("decoded, encoded and decoded again: %v\n%s", err, diff)
		}
	})
}

// A plain ping is what most jobs send. The texts that pings of a batch share are in it once.
func TestEncodeBatch_APlainPingNeedsFewBytes(t *testing.T) {
	batch := make([]ReceivedPing, 64)
	for i := range batch {
		at := start.Add(time.Duration(i) * 100 * time.Microsecond)
		batch[i] = ReceivedPing{ID: uuid.NewString(), Watermark: at, Ping: monitor.Ping{
			Number: int64(1000 + i), Kind: monitor.PingSuccess, At: at, ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1", UserAgent: "curl/8.14.1",
		}}
	}
	const maxBytes = 23 // parts 1, id 16, arrival 2, number 2, exit code 1, and a share of the rest
	if n := len(encode(t, batch)); n > maxBytes*len(batch) {
		t.Errorf("%d bytes for %d pings; want at most %d each", n, len(batch), maxBytes)
	}
	if n := testing.AllocsPerRun(100, func() { encode(t, batch[:1]) }); n > 3 {
		t.Errorf("%v allocations; want one, besides those of the test", n)
	}
	long := batch[:1]
	long[0].Ping.Body = []byte(strings.Repeat("x", 1000))
	if n := len(encode(t, long)); n > 1100 {
		t.Errorf("%d bytes for a body of 1000", n)
	}
}
