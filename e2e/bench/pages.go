package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"overdue/e2e/bench/report"
)

// The data of the page measurement, and the maximum sizes of pages in kilobytes (kB,
// 10³ bytes). Compressed sizes are those of the bodies for a browser with an empty
// cache, without headers.
const (
	maxPageSize       = 150
	maxFirstVisitSize = 60
	bytesPerKB        = 1e3
)

// measuredPage is a page that is measured.
type measuredPage struct{ name, path string }

// pages measures the size of pages in a project with ten thousand heartbeats. lists
// measures their times.
func (b *bench) pages(ctx context.Context) error {
	t, err := b.start(ctx, dataset{kind: onSQLite, heartbeats: pingHeartbeats, build: b.builds()[0]})
	if err != nil {
		return err
	}
	defer t.kill()
	reader, err := t.signIn(ctx, ownerEmail)
	if err != nil {
		return err
	}
	for _, page := range []measuredPage{
		{"list", "/heartbeats"},
		{"search, one found", "/heartbeats?q=" + url.QueryEscape(heartbeatName(0))},
		{"one heartbeat", "/heartbeats/" + variedHeartbeat(0, time.Now()).Ref},
	} {
		plain, _, err := reader.load(ctx, page.path, false)
		if err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
		t.add("pages", "10,000 heartbeats, "+page.name+": uncompressed", float64(len(plain))/bytesPerKB, "kB", report.AtMost(maxPageSize))
	}
	if err := t.firstVisit(ctx, reader); err != nil {
		return err
	}
	return t.close(ctx)
}

// asset is a file that a page loads.
var asset = regexp.MustCompile(`(?:href|src)="(/static/[^"#]+)`)

// firstVisit returns the size of all files that a browser with an empty cache loads.
func (t *target) firstVisit(ctx context.Context, r *browser) error {
	plain, _, err := r.load(ctx, "/heartbeats", false)
	if err != nil {
		return err
	}
	if !strings.Contains(string(plain), "of 10,000") {
		return errors.New("the list does not show the total of 10,000")
	}
	loads := map[string]bool{"/heartbeats": true}
	for _, m := range asset.FindAllStringSubmatch(string(plain), -1) {
		loads[m[1]] = true
	}
	if len(loads) < 4 {
		return fmt.Errorf("the list loads only %d files; want at least a stylesheet, a script and icons", len(loads))
	}
	total := 0
	for path := range loads {
		body, _, err := r.load(ctx, path, true)
		if err != nil {
			return err
		}
		total += len(body)
	}
	what := fmt.Sprintf("first visit to the list, %d files, compressed", len(loads))
	t.add("pages", what, float64(total)/bytesPerKB, "kB", report.AtMost(maxFirstVisitSize))
	return nil
}
