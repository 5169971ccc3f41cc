package client

import (
	"context"
	"iter"
	"strconv"
	"time"
)

func blackoutPath(number int64) string { return "/blackouts/" + strconv.FormatInt(number, 10) }

// Blackouts returns one page of the times in which Overdue was not watching, newest first.
func (c *Client) Blackouts(ctx context.Context, q PageQuery) (Page[Blackout], error) {
	return fetchPage[Blackout](ctx, c, "/blackouts", q.values())
}

// AllBlackouts iterates over all blackouts, page by page. It ends after the first error.
func (c *Client) AllBlackouts(ctx context.Context, q PageQuery) iter.Seq2[Blackout, error] {
	return iteratePages[Blackout](ctx, c, "/blackouts", q.values())
}

// Blackout returns a blackout with the heartbeats of the project that it affected.
func (c *Client) Blackout(ctx context.Context, number int64) (BlackoutDetail, error) {
	return fetchValue[BlackoutDetail](ctx, c, call{method: "GET", path: blackoutPath(number)})
}

// Blackout is a time in which no node of the server could store pings. Silence in it is not evaluated.
type Blackout struct {
	Number  int64     `json:"number" doc:"Number of the blackout, from 1 for each server"`
	From    time.Time `json:"from" doc:"When pings were last known to be stored"`
	To      time.Time `json:"to" doc:"When pings could be stored again"`
	Seconds float64   `json:"seconds" doc:"Length in seconds, with fraction; 0 if a clock was set back"`
	Cause   string    `json:"cause" enum:"crash,stop,upgrade,suspend,database,disk,clock"`
	Detail  *string   `json:"detail" doc:"The cause in one sentence; without the error of the database or the disk, which can contain addresses"`
	Unknown int       `json:"unknown" doc:"Heartbeats of the project whose expected run is unknown"`
	Moved   int       `json:"moved" doc:"Heartbeats of the project whose deadline moved by the length of the blackout"`
}

// BlackoutDetail is a blackout with the heartbeats that it affected.
type BlackoutDetail struct {
	Blackout
	Heartbeats []BlackoutEffect `json:"heartbeats" nullable:"false" doc:"Heartbeats of the project that it affected, those with an unknown run first, then by name; at most 1000, in webhooks 100"`
}

// BlackoutEffect is what a blackout changed for a heartbeat.
type BlackoutEffect struct {
	HeartbeatID   *string    `json:"heartbeat_id" doc:"Null for read-only keys and in webhooks"`
	HeartbeatRef  string     `json:"heartbeat_ref"`
	HeartbeatName string     `json:"heartbeat_name"`
	Effect        string     `json:"effect" enum:"unknown,moved" doc:"unknown: the run that was expected is neither late nor missed. moved: the deadline moved by the length of the blackout"`
	DueAt         *time.Time `json:"due_at" doc:"When the run was expected"`
	NextAt        *time.Time `json:"next_at" doc:"When the heartbeat is evaluated again: the next due time, or the new deadline"`
}
