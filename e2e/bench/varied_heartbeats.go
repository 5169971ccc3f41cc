package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// Words for names and tags of heartbeats.
var (
	jobObjects = []string{"database", "invoice", "warehouse", "newsletter", "ledger", "search index", "mailbox", "certificate", "metrics", "archive"}
	jobVerbs   = []string{"backup", "sync", "report", "clean-up", "import", "export", "renewal", "check", "rotation", "rebuild"}
	tagNames   = []string{"db", "billing", "eu", "us", "nightly", "weekly", "critical", "legacy"}
)

// scramble returns a number that looks random and depends only on i (splitmix64).
func scramble(i uint64) uint64 {
	i += 0x9e3779b97f4a7c15
	i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9
	i = (i ^ (i >> 27)) * 0x94d049bb133111eb
	return i ^ (i >> 31)
}

// scrambled returns 16 bytes that look random and depend only on i.
func scrambled(i uint64) (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], scramble(2*i))
	binary.BigEndian.PutUint64(b[8:], scramble(2*i+1))
	return b
}

// appendID appends the id of heartbeat number i. Ids are computed, because a million of
// them would take memory and processor time from the server under test.
func appendID(buf []byte, i int) []byte {
	b := scrambled(uint64(i))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // UUID v4
	for k, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if k > 0 {
			buf = append(buf, '-')
		}
		buf = hex.AppendEncode(buf, part)
	}
	return buf
}

// refOffset separates the refs of heartbeats from their ids.
const refOffset = 1 << 40

// heartbeatName returns the name of heartbeat number i.
func heartbeatName(i int) string {
	return fmt.Sprintf("%s %s %06d", jobObjects[i%len(jobObjects)], jobVerbs[i/len(jobObjects)%len(jobVerbs)], i)
}

// numberOf returns the number in the name of a heartbeat.
func numberOf(name string) int {
	number, _ := strconv.Atoi(name[strings.LastIndexByte(name, ' ')+1:]) // heartbeatName wrote it
	return number
}

// variedHeartbeat returns heartbeat number i. Of each 20, one is New, one Down, one Late,
// one Paused, and the others are Up. One in a hundred is due within an hour; nothing else
// happens for a day.
func variedHeartbeat(i int, now time.Time) monitor.Heartbeat {
	tags := []string{tagNames[i%len(tagNames)]}
	if i%3 == 0 {
		tags = append(tags, tagNames[(i+3)%len(tagNames)])
	}
	ref := scrambled(uint64(i) + refOffset)
	h := monitor.Heartbeat{
		ID: string(appendID(nil, i)), Ref: hex.EncodeToString(ref[:]), Name: heartbeatName(i), Slug: fmt.Sprintf("job-%06d", i), Tags: tags,
		Rule:        monitor.Rule{Interval: time.Duration(24+i%24) * time.Hour, Grace: 24 * time.Hour, Methods: monitor.AnyMethod},
		AllChannels: true, Status: monitor.New, Created: now.Add(-30 * 24 * time.Hour), Updated: now,
	}
	ping := monitor.Ping{Kind: monitor.PingSuccess, At: now.Add(-time.Duration(i%50) * time.Minute), ExitCode: monitor.NoExitCode}
	switch {
	case i%20 == 1:
		return h
	case i%20 == 2:
		ping.Kind = monitor.PingFail
	case i%20 == 3:
		ping.At = now.Add(-h.Rule.Interval - 10*time.Minute)
	case i%100 == 50:
		ping.At = now.Add(time.Duration(5+i/100%55)*time.Minute - h.Rule.Interval)
	}
	h, _ = h.ApplyPing(ping, ping.At)
	if h.Status == monitor.Down {
		h.OpenIncident = fmt.Sprintf("00000000-0000-7000-8000-%012d", i)
	}
	h, _ = h.Evaluate(now)
	if i%20 == 4 {
		h, _ = h.Pause(now, now)
	}
	return h
}

// pingable returns the number of heartbeats, of the first n, that are Up.
func pingable(n int) int { return n / 20 * 15 }

// appendPingableID appends the id of number k of the heartbeats that are Up.
func appendPingableID(buf []byte, k int) []byte { return appendID(buf, pingableNumber(k)) }

// pingableNumber returns the number of heartbeat k of those that are Up.
func pingableNumber(k int) int { return k/15*20 + 5 + k%15 }
