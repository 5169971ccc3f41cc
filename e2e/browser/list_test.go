package browser_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"overdue/client"
)

// rows are the names in the list, from the top.
func (b *tab) rows() []string {
	b.Helper()
	return get[[]string](b, `[...document.querySelectorAll(".hb-name")].map((e) => e.innerText)`)
}

// lists complains unless the list has these names, in any order.
func (b *tab) lists(names ...string) {
	b.Helper()
	got := b.rows()
	slices.Sort(got)
	slices.Sort(names)
	if diff := cmp.Diff(names, got); diff != "" {
		b.Errorf("the list (-want +got):\n%s", diff)
	}
}

// rowIs is whether the row of a heartbeat has a status.
func rowIs(name, status string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".hb")].some((r) => r.querySelector(".hb-name").innerText === %s &&
		r.dataset.status === %[2]s && r.querySelector(".status").innerText.trim().toLowerCase() === %[2]s)`, quote(name), quote(status))
}

// dozen makes twelve heartbeats: "job 01" and so on, every third tagged db.
func dozen(t *testing.T, api *client.Client) (all []client.Heartbeat) {
	t.Helper()
	for i := range 12 {
		var tags []string
		if i%3 == 0 {
			tags = []string{"db"}
		}
		all = append(all, heartbeat(t, api, fmt.Sprintf("job %02d", i+1), "24h", "1h", tags...))
	}
	return all
}

func TestTheListIsNarrowedBySearchStatusAndTag(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	all := dozen(t, s.api(t))
	ping(t, *all[1].PingURL)
	ping(t, *all[2].PingURL)
	ping(t, *all[3].PingURL+"/fail")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	if first := b.rows()[0]; first != "job 04" {
		b.Errorf("the list begins with %s; want the one that is Down", first)
	}

	b.keys("/job 1")
	b.leaves(func() { b.keys(kb.Enter) })
	b.lists("job 10", "job 11", "job 12")
	b.keys("/")
	b.sees("the search at hand, with what was searched", `document.activeElement.name === "q" && document.activeElement.value === "job 1"`)

	b.open("/heartbeats")
	b.follow("1 Down")
	b.lists("job 04")
	b.follow("2 Up")
	b.lists("job 02", "job 03")
	b.open("/heartbeats")
	b.follow("db 4")
	b.lists("job 01", "job 04", "job 07", "job 10")
	b.follow("1 Down")
	b.lists("job 04")
	b.open("/heartbeats?q=nothing+like+this")
	b.reads("No heartbeat matches.")
	b.follow("Show all")
	if n := len(b.rows()); n != len(all) {
		b.Errorf("all of them are %d; want %d", n, len(all))
	}
}

func TestManyArePausedResumedTaggedAndDeletedAtOnce(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	dozen(t, s.api(t))
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	pick := func() {
		b.tick("Select job 05")
		b.tick("Select job 06")
		b.reads("2 selected")
	}
	pick()
	b.submit("Pause")
	b.sees("both Paused, and no other", rowIs("job 05", "paused")+"&&"+rowIs("job 06", "paused")+`&& document.querySelectorAll('.hb[data-status="paused"]').length === 2`)
	pick()
	b.submit("Resume")
	b.sees("none Paused", `document.querySelectorAll('.hb[data-status="paused"]').length === 0`)
	pick()
	b.press("Add tag")
	b.fill("Tag", "weekly")
	b.leaves(func() { b.keys(kb.Enter) })
	b.follow("weekly 2")
	b.lists("job 05", "job 06")

	b.tick("Select all on this page")
	b.reads("2 selected")
	b.submit("Delete")
	b.reads("Delete 2 heartbeats?")
	b.expect(422)
	b.fill("Type delete to confirm", "no")
	b.submit("Delete 2 heartbeats")
	b.reads("Type the word delete.")
	b.fill("Type delete to confirm", "delete")
	b.submit("Delete 2 heartbeats")
	b.at("/heartbeats")
	if n := len(b.rows()); n != 10 {
		b.Errorf("after the deletion there are %d; want 10", n)
	}
	b.submit("Undo")
	b.reads("Restored 2 heartbeats")
	b.open("/heartbeats?tag=weekly")
	b.lists("job 05", "job 06")
}

func TestADeletionAsksForTheNameAndCanBeTakenBack(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	dozen(t, s.api(t))
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.follow("job 05")
	beside := newTab(t, s) // looks on, live, and is no reason to log anything
	beside.signIn(ownerEmail, ownerPassword)
	beside.follow("job 05")
	beside.expect(404)
	b.press("Delete")
	b.sees("the question", `document.querySelector("dialog").open`)
	b.press("Keep it")
	b.sees("the question gone", `!document.querySelector("dialog").open`)
	b.press("Delete")
	b.fill("Type the name to confirm", "job 05")
	b.submit("Delete heartbeat")
	b.at("/heartbeats")
	if names := b.rows(); slices.Contains(names, "job 05") || len(names) != 11 {
		b.Errorf("after the deletion the list is %q", names)
	}
	b.submit("Undo")
	b.reads("Restored job 05")
	b.follow("Heartbeats")
	if names := b.rows(); !slices.Contains(names, "job 05") || len(names) != 12 {
		b.Errorf("after taking it back the list is %q", names)
	}
}

func TestARowThatChangesKeepsFocusSelectionAndPlace(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	all := dozen(t, s.api(t))
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.tick("Select job 09")
	b.do(chromedp.Evaluate[chromedp.Void](touch + `; scrollTo(0, 150); for (const r of document.querySelectorAll(".hb")) r.dataset.before = "1"`))
	const where = `Math.round(scrollY)`
	before := get[int](b, where)
	if before == 0 {
		b.Fatal("the page does not scroll, so that it stays proves nothing")
	}
	ping(t, *all[8].PingURL)
	b.sees("the row Up, on the page as it was loaded", rowIs("job 09", "up")+"&&"+untouched)
	b.sees("the row replaced, and no other", `document.querySelectorAll(".hb:not([data-before])").length === 1`)
	b.sees("the box still ticked", `document.querySelector('[aria-label="Select job 09"]').checked`)
	b.sees("the focus still on it", `document.activeElement.ariaLabel === "Select job 09"`)
	b.reads("1 selected")
	if after := get[int](b, where); after != before {
		b.Errorf("the page scrolled from %d to %d", before, after)
	}
	b.sees("the change said aloud", `document.querySelector("#announce").textContent === "job 09 is Up"`)
}
