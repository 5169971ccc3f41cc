package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"time"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
)

// How lists are measured. The bounds are in milliseconds.
const (
	loadsPerPage = 20
	pageBudget   = 6 * time.Second // after which a page is not loaded again
	pagesAhead   = 5               // pages that are followed from the first one
	maxAPIList   = 20
)

// listSizes are the sizes of projects, and the p95 that their list pages may take. Only
// the first one is measured without -scale.
var listSizes = []struct {
	heartbeats int
	max        float64
}{{10_000, 25}, {100_000, 50}, {1_000_000, 100}}

// lists measures the list of heartbeats with every filter, order, page and search.
func (b *bench) lists(ctx context.Context) error {
	for i, size := range listSizes {
		if i > 0 && !b.scale {
			return nil
		}
		err := b.onEach(ctx, func(ctx context.Context, kind string, v build) error {
			return b.listsOn(ctx, dataset{kind: kind, heartbeats: size.heartbeats, build: v}, size.max)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// listQueries returns the filters, orders and searches of a list by name. first is the
// name of a heartbeat that exists.
func listQueries(orders []string, first string) (all []measuredPage) {
	add := func(name, query string) { all = append(all, measuredPage{name, query}) }
	add("all", "")
	for _, status := range []string{"new", "up", "late", "down", "paused"} {
		add("only "+status, "status="+status)
	}
	for _, order := range orders {
		add("order "+order, "sort="+order)
		add("only down, order "+order, "status=down&sort="+order)
	}
	add("one tag", "tag=db")
	add("two tags", "tag=db&tag=us")
	add("one tag, only down", "tag=db&status=down")
	add("search, many found", "q=backup")
	add("search, two words", "q="+url.QueryEscape("database backup"))
	add("search, short", "q=db")
	add("search, one found", "q="+url.QueryEscape(first))
	add("search, none found", "q=nothing+like+it")
	add("search, only down", "q=backup&status=down")
	return all
}

// listsOn measures the lists of one database.
func (b *bench) listsOn(ctx context.Context, d dataset, maxPage float64) error {
	t, err := b.start(ctx, d)
	if err != nil {
		return err
	}
	defer t.kill()
	reader, err := t.signIn(ctx, ownerEmail)
	if err != nil {
		return err
	}
	_, firstTook, err := reader.load(ctx, "/heartbeats", true)
	if err != nil {
		return fmt.Errorf("first list: %w", err)
	}
	t.add("lists", t.size()+" heartbeats, first list page after a start", load.MS(firstTook), "ms", nil)
	first := heartbeatName(d.heartbeats / 2)
	pages := append(listQueries([]string{"name", "created", "due", "last", "slowest"}, first), measuredPage{"only running", "running=1"}, measuredPage{"200 rows", "per=200"})
	loadPage := func(ctx context.Context, path string) (string, time.Duration, error) {
		body, took, err := reader.load(ctx, path, true)
		return string(body), took, err
	}
	if err := t.measureLists(ctx, "list page", "/heartbeats", pages, loadPage, report.AtMost(maxPage)); err != nil {
		return err
	}
	if err := t.measureLists(ctx, "API list", "/api/v1/heartbeats", listQueries([]string{"name", "created"}, first), t.loadAPI, report.AtMost(maxAPIList)); err != nil {
		return err
	}
	return t.close(ctx)
}

// loader loads a path, and returns the body and the time that it took.
type loader func(ctx context.Context, path string) (string, time.Duration, error)

// loadAPI is a loader for the API.
func (t *target) loadAPI(ctx context.Context, path string) (string, time.Duration, error) {
	body, took, err := t.read(ctx, path)
	return string(body), took, err
}

// measureLists measures all queries of a list and pages of it. The bound applies to the
// p95 of all loads, so each query counts alike.
func (t *target) measureLists(ctx context.Context, what, path string, queries []measuredPage, get loader, bound *report.Bound) error {
	var all load.Latencies
	var worst time.Duration
	failed := 0
	get = countFailures(get, &failed)
	slowest := ""
	for _, q := range queries {
		took, err := t.measureList(ctx, path, q, get)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", what, q.name, err)
		}
		p95 := took.At(0.95)
		t.add("lists", fmt.Sprintf("%s heartbeats, %s, %s, p95", t.size(), what, q.name), load.MS(p95), "ms", nil)
		if all = append(all, took...); p95 > worst {
			worst, slowest = p95, q.name
		}
	}
	t.bench.progress("lists: %s, %d heartbeats, %s: p95 %.1f ms; slowest: %s, %.1f ms", t.name, t.heartbeats, what, load.MS(all.At(0.95)), slowest, load.MS(worst))
	t.add("lists", fmt.Sprintf("%s heartbeats, %s, p95 of all filters, orders, pages and searches", t.size(), what), load.MS(all.At(0.95)), "ms", bound)
	t.add("lists", fmt.Sprintf("%s heartbeats, %s, slowest p95 of one of them", t.size(), what), load.MS(worst), "ms", nil)
	t.add("lists", fmt.Sprintf("%s heartbeats, %s, answered 503", t.size(), what), float64(failed), fmt.Sprintf("of %d", len(all)), report.AtMost(0))
	return nil
}

// countFailures returns a loader that counts the answers 503. Their time counts like that of
// a page.
func countFailures(get loader, failed *int) loader {
	return func(ctx context.Context, path string) (string, time.Duration, error) {
		body, took, err := get(ctx, path)
		if errors.Is(err, errUnavailable) {
			*failed++
			err = nil
		}
		return body, took, err
	}
}

// measureList loads the first page many times, and follows the link to the next page.
func (t *target) measureList(ctx context.Context, path string, q measuredPage, get loader) (took load.Latencies, err error) {
	first := path + "?" + q.path
	next := ""
	begun := time.Now()
	for i := range loadsPerPage {
		body, duration, err := get(ctx, first)
		if err != nil {
			return nil, err
		}
		if took = append(took, int64(duration)); i == 0 {
			next = nextPage(first, body)
		}
		if time.Since(begun) > pageBudget {
			break
		}
	}
	for i := 0; i < pagesAhead && next != "" && time.Since(begun) < 2*pageBudget; i++ {
		body, duration, err := get(ctx, next)
		if err != nil {
			return nil, err
		}
		took, next = append(took, int64(duration)), nextPage(first, body)
	}
	return took, nil
}

// nextLink is the link to the next page of a list.
var nextLink = regexp.MustCompile(`href="([^"]+)" rel="next"`)

// nextPage returns the address of the next page, or "".
func nextPage(first, body string) string {
	if m := nextLink.FindStringSubmatch(body); m != nil {
		return html.UnescapeString(m[1])
	}
	var page struct {
		Next string `json:"next_cursor"`
	}
	if json.Unmarshal([]byte(body), &page) != nil || page.Next == "" {
		return ""
	}
	return first + "&cursor=" + url.QueryEscape(page.Next)
}
