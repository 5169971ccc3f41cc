package pingblock_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"overdue/internal/monitor"
	"overdue/internal/store/pingblock"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// success returns a ping without anything unusual.
func success(n int64, at time.Time) monitor.Ping {
	return monitor.Ping{Number: n, Kind: monitor.PingSuccess, At: at, ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1", UserAgent: "curl/8.5.0"}
}

// encode encodes pings of heartbeat 7.
func encode(pings ...monitor.Ping) []pingblock.Block {
	var e pingblock.Encoder
	for i := range pings {
		e.Add(7, &pings[i])
	}
	return e.Blocks()
}

// decodeAll returns the pings of blocks.
func decodeAll(t interface{ Fatal(...any) }, blocks []pingblock.Block) []monitor.Ping {
	var all []monitor.Ping
	for i := range blocks {
		pings, err := blocks[i].Verify()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pings...)
	}
	return all
}

// anyPing returns a random ping.
func anyPing(r *rand.Rand, n int64) monitor.Ping {
	texts := []string{"", "POST", "GET", "192.0.2.1", "2001:db8::1", "curl/8.5.0", "é\x00\xff", strings.Repeat("x", 300)}
	text := func() string {
		if r.IntN(4) == 0 {
			return fmt.Sprint("text", r.IntN(1000))
		}
		return texts[r.IntN(len(texts))]
	}
	p := monitor.Ping{
		Number: n, Kind: []monitor.PingKind{"success", "start", "fail", "log", "ignored", "of_a_newer_version", ""}[r.IntN(7)],
		At:       start.Add(time.Duration(r.Int64N(1<<[]int{20, 20, 20, 50}[r.IntN(4)])-1<<10) * time.Microsecond),
		ExitCode: []int{monitor.NoExitCode, 0, 1, 255, 1 << 40, -5}[r.IntN(6)],
		RunID:    text(), Method: text(), Source: text(), UserAgent: text(), Flags: monitor.PingFlags(r.UintN(256)), HasRunTime: r.IntN(2) == 0,
	}
	if r.IntN(3) == 0 {
		p.Host = text()
	}
	if p.HasRunTime {
		p.RunTime = time.Duration(r.Int64N(1<<40)-5) * time.Microsecond
	}
	if size := []int{0, 0, 1, 40, 5000, 20_000}[r.IntN(6)]; size > 0 {
		p.Body, p.BodySize = slices.Repeat([]byte{byte(n), 0}, size)[:size], int64(size)
	}
	return p
}

func TestEncoder_EveryPingIsReadBack(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 45))
		var pings []monitor.Ping
		n := int64(0)
		for range 1 + r.IntN(120) {
			if n++; r.IntN(10) == 0 {
				n += 6
			}
			pings = append(pings, anyPing(r, n))
		}
		blocks := encode(pings...)
		if got := decodeAll(t, blocks); !reflect.DeepEqual(pings, got) {
			t.Fatalf("(-want +got):\n%s", cmp.Diff(pings, got))
		}
		for i := range blocks {
			b, bodies, withBody := &blocks[i], int64(0), 0
			list, _ := b.Decode()
			for k, p := range list {
				if p.Body != nil {
					withBody++
				}
				if bodies += p.BodySize; p.Number != b.First+int64(k) || p.At.UnixMicro() < b.Earliest || p.At.UnixMicro() > b.Latest {
					t.Fatalf("ping %d at %s in %+v", p.Number, p.At, b)
				}
			}
			if b.Count != int64(len(list)) || b.BodyBytes != bodies || b.Count > pingblock.MaxPings || b.Latest-b.Earliest > time.Hour.Microseconds() || b.Count > 1 && len(b.Pings) > 8<<10 || withBody > 1 && b.BodyBytes > 16<<10 {
				t.Fatalf("columns %+v of %d pings with %d bytes of bodies", b, len(list), bodies)
			}
			b.Bodies = nil // as lists read it
			list, err := b.Decode()
			if err != nil || slices.ContainsFunc(list, func(p monitor.Ping) bool { return p.Body != nil }) {
				t.Fatalf("without bodies: %v", err)
			}
		}
	}
}

func TestEncoder_ABlockHasConsecutivePingsOfOneHeartbeat(t *testing.T) {
	var e pingblock.Encoder
	for _, p := range []struct{ heartbeat, number int64 }{{1, 5}, {1, 6}, {2, 7}, {2, 9}, {2, 10}, {2, 10}, {1, 11}} {
		ping := success(p.number, start)
		e.Add(p.heartbeat, &ping)
	}
	var got []string
	for _, b := range e.Blocks() {
		got = append(got, b.String())
	}
	want := []string{"pings 5 to 6 of heartbeat 1", "ping 7 of heartbeat 2", "pings 9 to 10 of heartbeat 2", "ping 10 of heartbeat 2", "ping 11 of heartbeat 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEncoder_LimitsBlocks(t *testing.T) {
	list := func(n int, change func(i int, p *monitor.Ping)) []monitor.Ping {
		pings := make([]monitor.Ping, n)
		for i := range pings {
			pings[i] = success(int64(i+1), start)
			change(i, &pings[i])
		}
		return pings
	}
	for name, c := range map[string]struct {
		pings []monitor.Ping
		want  []int64 // pings of each block
	}{
		"by number":                 {list(101, func(int, *monitor.Ping) {}), []int64{50, 50, 1}},
		"by time":                   {list(5, func(i int, p *monitor.Ping) { p.At = start.Add(time.Duration(i) * 30 * time.Minute) }), []int64{3, 2}},
		"by time, the newest first": {list(3, func(i int, p *monitor.Ping) { p.At = start.Add(-time.Duration(i) * 40 * time.Minute) }), []int64{2, 1}},
		"by size":                   {list(7, func(i int, p *monitor.Ping) { p.UserAgent = strings.Repeat(fmt.Sprint(i), 1500) }), []int64{3, 3, 1}},
		"by bodies":                 {list(5, func(_ int, p *monitor.Ping) { p.Body = make([]byte, 6000) }), []int64{2, 2, 1}},
		"a large body":              {list(3, func(i int, p *monitor.Ping) { p.Body = make([]byte, []int{1, 100_000, 1}[i]) }), []int64{1, 1, 1}},
	} {
		var got []int64
		for _, b := range encode(c.pings...) {
			got = append(got, b.Count)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// goldenPings use every field of format 1.
func goldenPings() []monitor.Ping {
	begin, end, odd, log := success(41, start), success(42, start.Add(time.Minute)), success(43, start.Add(-time.Second)), success(44, start.Add(30*time.Minute))
	begin.Kind, begin.RunID = monitor.PingStart, "6d0c7d9e"
	end.Kind, end.RunID, end.ExitCode, end.HasRunTime, end.RunTime = monitor.PingFail, "6d0c7d9e", 3, true, time.Minute
	end.Body, end.BodySize = []byte("disk full\n"), 10
	odd.Kind, odd.Method, odd.Source, odd.UserAgent, odd.Flags = "of_a_newer_version", "GET", "2001:db8::1", "", monitor.Delayed|monitor.StartAfterFinish
	log.Kind, log.Method, log.Body, log.BodySize, log.Flags = monitor.PingLog, "PUT", []byte{0, 255}, 2, monitor.BodyTruncated|monitor.BodyTimeout|monitor.BodyAborted
	ignored, last := success(45, start.Add(30*time.Minute)), success(46, start.Add(31*time.Minute))
	ignored.Kind, ignored.Method = monitor.PingIgnored, "HEAD"
	return []monitor.Ping{begin, end, odd, log, ignored, last}
}

// goldenBlock is goldenPings in format 1. Stored blocks look like this, so it never
// changes: another format gets another number and another golden block.
const (
	goldenPingsHex = `80897a41000200093139322e302e322e31000a6375726c2f382e352e3000083664306337643965fa01809c9c3906809c9c39
070a870200126f665f615f6e657765725f76657273696f6effa4963a03000b323030313a6462383a3a310118830380d1c8b5
0d000350555405060207040004050600809c9c39020506b8edff2cc1222b9d`
	goldenBodiesHex = `6469736b2066756c6c0a00ff`
)

func TestBlock_Format1NeverChanges(t *testing.T) {
	blocks := encode(goldenPings()...)
	if len(blocks) != 1 {
		t.Fatalf("%d blocks; want one", len(blocks))
	}
	want := pingblock.Block{
		Heartbeat: 7, First: 41, Count: 6, Earliest: start.Add(-time.Second).UnixMicro(), Latest: start.Add(31 * time.Minute).UnixMicro(), BodyBytes: 12, Format: 1,
	}
	var err error
	if want.Pings, err = hex.DecodeString(strings.ReplaceAll(goldenPingsHex, "\n", "")); err != nil {
		t.Fatal(err)
	}
	if want.Bodies, err = hex.DecodeString(goldenBodiesHex); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, blocks[0]); diff != "" {
		t.Errorf("the encoding changed (-want +got):\n%s\n%s", diff, hex.EncodeToString(blocks[0].Pings))
	}
	if diff := cmp.Diff(goldenPings(), decodeAll(t, []pingblock.Block{want})); diff != "" {
		t.Errorf("the golden block is read differently (-want +got):\n%s", diff)
	}
}

// goldenHostsHex is goldenPings in format 2, with the host web1 of the pings 42 and 43.
const goldenHostsHex = `80897a41000200093139322e302e322e31000a6375726c2f382e352e3000083664306337643965fa05809c9c3906809c9c
39070a000477656231870600126f665f615f6e657765725f76657273696f6effa4963a03000b323030313a6462383a3a3101
1808830380d1c8b50d000350555405060207040004050600809c9c39020506b8edff2c63751b45`

// hostPings are goldenPings with hosts.
func hostPings() []monitor.Ping {
	pings := goldenPings()
	pings[1].Host, pings[2].Host = "web1", "web1"
	return pings
}

func TestBlock_Format2NeverChanges(t *testing.T) {
	blocks := encode(hostPings()...)
	if len(blocks) != 1 || blocks[0].Format != pingblock.FormatWithHosts {
		t.Fatalf("%+v; want a block of format 2", blocks)
	}
	want := blocks[0]
	var err error
	if want.Pings, err = hex.DecodeString(strings.ReplaceAll(goldenHostsHex, "\n", "")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, blocks[0]); diff != "" {
		t.Errorf("the encoding changed (-want +got):\n%s\n%s", diff, hex.EncodeToString(blocks[0].Pings))
	}
	if diff := cmp.Diff(hostPings(), decodeAll(t, []pingblock.Block{want})); diff != "" {
		t.Errorf("the golden block is read differently (-want +got):\n%s", diff)
	}
	want.Format = pingblock.Format // as an earlier version would read it if it ignored the format
	if _, err := want.Decode(); !errors.Is(err, pingblock.ErrDamaged) {
		t.Errorf("a host in format 1: %v; want damage", err)
	}
}

// Pings without a host are blocks that earlier versions read.
func TestEncoder_OnlyHostsNeedTheNewFormat(t *testing.T) {
	pings := make([]monitor.Ping, 60)
	for i := range pings {
		pings[i] = success(int64(i+1), start)
	}
	pings[55].Host = "web1"
	blocks := encode(pings...)
	if len(blocks) != 2 || blocks[0].Format != 1 || blocks[1].Format != 2 {
		t.Errorf("%+v; want format 1 without hosts, and 2", blocks)
	}
}

// TestDecode_NoticesEveryChangedBit changes each bit of a block, its bodies and its
// columns in turn.
func TestDecode_NoticesEveryChangedBit(t *testing.T) {
	changed := 0
	try := func(change func(b *pingblock.Block)) {
		b := encode(goldenPings()...)[0]
		change(&b)
		changed++
		if _, err := b.Verify(); !errors.Is(err, pingblock.ErrDamaged) {
			t.Errorf("change %d: %v; want damage", changed, err)
		}
	}
	whole := encode(goldenPings()...)[0]
	for i := range len(whole.Pings) * 8 {
		try(func(b *pingblock.Block) { b.Pings[i/8] ^= 1 << (i % 8) })
	}
	for i := range len(whole.Bodies) * 8 {
		try(func(b *pingblock.Block) { b.Bodies[i/8] ^= 1 << (i % 8) })
	}
	for i := range 63 {
		for _, column := range []func(b *pingblock.Block) *int64{
			func(b *pingblock.Block) *int64 { return &b.Heartbeat }, func(b *pingblock.Block) *int64 { return &b.First },
			func(b *pingblock.Block) *int64 { return &b.Count }, func(b *pingblock.Block) *int64 { return &b.Earliest },
			func(b *pingblock.Block) *int64 { return &b.Latest }, func(b *pingblock.Block) *int64 { return &b.BodyBytes },
		} {
			try(func(b *pingblock.Block) { *column(b) ^= 1 << i })
		}
	}
	for n := range len(whole.Pings) {
		try(func(b *pingblock.Block) { b.Pings = b.Pings[:n] })
	}
	try(func(b *pingblock.Block) { b.Bodies = nil })
	try(func(b *pingblock.Block) { b.Bodies = b.Bodies[:5] })
}

func TestDecode_ReturnsThePingsBeforeTheDamage(t *testing.T) {
	whole := encode(goldenPings()...)[0]
	whole.Pings = whole.Pings[:len(whole.Pings)-12]
	pings, err := whole.Decode()
	want := goldenPings()
	if !errors.Is(err, pingblock.ErrDamaged) || len(pings) < 3 || len(pings) >= len(want) {
		t.Fatalf("%d pings, %v; want some, and damage", len(pings), err)
	}
	if diff := cmp.Diff(want[:len(pings)], pings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecode_RejectsANewerFormat(t *testing.T) {
	b := encode(goldenPings()...)[0]
	b.Format = pingblock.FormatWithHosts + 1
	if pings, err := b.Decode(); !errors.Is(err, pingblock.ErrNewerFormat) || errors.Is(err, pingblock.ErrDamaged) || pings != nil {
		t.Errorf("%d pings, %v; want no pings, and that the format is newer", len(pings), err)
	}
}

// TestEncoder_BytesPerPing bounds the size of pings of the usual form.
func TestEncoder_BytesPerPing(t *testing.T) {
	var pings []monitor.Ping
	for n := range int64(pingblock.MaxPings) {
		pings = append(pings, success(n+1, start.Add(time.Duration(n)*(time.Minute+1234*time.Microsecond))))
	}
	for count, most := range map[int]int{1: 40, 2: 45, 10: 86, pingblock.MaxPings: 286} {
		if size := len(encode(pings[:count]...)[0].Pings); size > most {
			t.Errorf("%d pings have %d bytes; want at most %d", count, size, most)
		}
	}
}

func TestEncoder_AllocatesLittlePerPing(t *testing.T) {
	const heartbeats, each = 100, 20
	p := success(0, start)
	allocs := testing.AllocsPerRun(10, func() {
		var e pingblock.Encoder
		for h := range int64(heartbeats) {
			for n := range int64(each) {
				p.Number, p.At = n, p.At.Add(time.Second)
				e.Add(h, &p)
			}
		}
		e.Blocks()
	})
	if perPing := allocs / (heartbeats * each); perPing > 0.05 {
		t.Errorf("%.3f allocations per ping; want at most 0.05", perPing)
	}
}

func TestMergeNewest_SortsByNumber(t *testing.T) {
	list := func(numbers ...int64) (pings []monitor.Ping) {
		for _, n := range numbers {
			pings = append(pings, success(n, start))
		}
		return pings
	}
	for _, c := range []struct{ a, b, want []monitor.Ping }{
		{nil, list(2, 1), list(2, 1)},
		{list(2, 1), nil, list(2, 1)},
		{list(9, 5, 4, 1), list(8, 7, 3, 2), list(9, 8, 7, 5, 4, 3, 2, 1)},
		{list(2, 1), list(4, 3), list(4, 3, 2, 1)},
	} {
		if diff := cmp.Diff(c.want, pingblock.MergeNewest(c.a, c.b)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range append(append(encode(goldenPings()...), encode(hostPings()...)...), encode(success(1, start))...) {
		f.Add(b.Count, b.Earliest, b.Latest, b.BodyBytes, b.Format, b.Pings, b.Bodies)
	}
	f.Fuzz(func(t *testing.T, count, earliest, latest, bodyBytes, format int64, pings, bodies []byte) {
		b := pingblock.Block{Heartbeat: 7, First: 41, Count: count, Earliest: earliest, Latest: latest, BodyBytes: bodyBytes, Format: format, Pings: pings, Bodies: bodies}
		got, err := b.Decode()
		if int64(len(got)) > max(count, 0) || len(got) > len(pings) {
			t.Fatalf("%d pings of %d in %d bytes", len(got), count, len(pings))
		}
		size := 0
		for _, p := range got {
			size += len(p.Body)
		}
		if size > len(bodies) {
			t.Fatalf("bodies of %d bytes in %d bytes", size, len(bodies))
		}
		if again := encode(got...); err == nil && bodies != nil {
			if diff := cmp.Diff(got, decodeAll(t, again)); diff != "" {
				t.Fatalf("encoded again (-want +got):\n%s", diff)
			}
		}
		_ = fmt.Sprint(b.String())
	})
}
