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

// rowNames returns the names in the list, from the top.
func (b *tab) rowNames() []string {
	b.Helper()
	return mustEvaluate[[]string](b, `[...document.querySelectorAll(".hb-name")].map((e) => e.innerText)`)
}

// expectRows reports an error unless the list has exactly these names, in any
// order.
func (b *tab) expectRows(names ...string) {
	b.Helper()
	got := b.rowNames()
	slices.Sort(got)
	slices.Sort(names)
	if diff := cmp.Diff(names, got); diff != "" {
		b.Errorf("the list (-want +got):\n%s", diff)
	}
}

// rowHasStatus returns an expression: the row of a heartbeat has a status.
func rowHasStatus(name, status string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".hb")].some((r) => r.querySelector(".hb-name").innerText === %s &&
		r.dataset.status === %[2]s && r.querySelector(".status").innerText.trim().toLowerCase() === %[2]s)`, quote(name), quote(status))
}

// createDozen creates twelve heartbeats, "job 01" and so on. Every third has the
// tag db.
func createDozen(t *testing.T, api *client.Client) (all []client.Heartbeat) {
	t.Helper()
	for i := range 12 {
		var tags []string
		if i%3 == 0 {
			tags = []string{"db"}
		}
		all = append(all, createHeartbeat(t, api, fmt.Sprintf("job %02d", i+1), "24h", "1h", tags...))
	}
	return all
}

func TestHeartbeatList_FiltersBySearchStatusAndTag(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	all := createDozen(t, s.newClient(t))
	ping(t, *all[1].PingURL)
	ping(t, *all[2].PingURL)
	ping(t, *all[3].PingURL+"/fail")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.step("a Down heartbeat is first", func(b *tab) {
		if first := b.rowNames()[0]; first != "job 04" {
			b.Errorf("the list begins with %s; want the one that is Down", first)
		}
	})
	b.step("the search filters and keeps its text", func(b *tab) {
		b.typeKeys("/job 1")
		b.waitForNavigation(func() { b.typeKeys(kb.Enter) })
		b.expectRows("job 10", "job 11", "job 12")
		b.typeKeys("/")
		b.waitFor("the search at hand, with what was searched", `document.activeElement.name === "q" && document.activeElement.value === "job 1"`)
	})
	b.step("status and tag filter, alone and together", func(b *tab) {
		b.navigate("/heartbeats")
		b.followLink("1 Down")
		b.expectRows("job 04")
		b.followLink("2 Up")
		b.expectRows("job 02", "job 03")
		b.navigate("/heartbeats")
		b.followLink("db 4")
		b.expectRows("job 01", "job 04", "job 07", "job 10")
		b.followLink("1 Down")
		b.expectRows("job 04")
	})
	b.step("a filter without matches leads back", func(b *tab) {
		b.navigate("/heartbeats?q=nothing+like+this")
		b.waitForText("No matching heartbeats.")
		b.followLink("Show all")
		if n := len(b.rowNames()); n != len(all) {
			b.Errorf("the unfiltered list has %d; want %d", n, len(all))
		}
	})
}

func TestHeartbeatList_BulkActions(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	createDozen(t, s.newClient(t))
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	pick := func(b *tab) {
		b.tick("Select job 05")
		b.tick("Select job 06")
		b.waitForText("2 selected")
	}
	b.step("Pause", func(b *tab) {
		pick(b)
		b.submit("Pause")
		b.waitFor("both Paused, and no other", rowHasStatus("job 05", "paused")+"&&"+rowHasStatus("job 06", "paused")+`&& document.querySelectorAll('.hb[data-status="paused"]').length === 2`)
	})
	b.step("Resume", func(b *tab) {
		pick(b)
		b.submit("Resume")
		b.waitFor("none Paused", `document.querySelectorAll('.hb[data-status="paused"]').length === 0`)
	})
	b.step("Add tag", func(b *tab) {
		pick(b)
		b.press("Add tag")
		b.fill("Tag", "weekly")
		b.waitForNavigation(func() { b.typeKeys(kb.Enter) })
		b.followLink("weekly 2")
		b.expectRows("job 05", "job 06")
	})
	b.step("Delete asks for the word delete", func(b *tab) {
		b.tick("Select all on this page")
		b.waitForText("2 selected")
		b.submit("Delete")
		b.waitForText("Delete 2 heartbeats?")
		b.expect(422)
		b.fill("Type delete to confirm", "no")
		b.submit("Delete 2 heartbeats")
		b.waitForText("Type the word “delete”.")
		b.fill("Type delete to confirm", "delete")
		b.submit("Delete 2 heartbeats")
		b.waitForPath("/heartbeats")
		if n := len(b.rowNames()); n != 10 {
			b.Errorf("after the deletion there are %d; want 10", n)
		}
	})
	b.step("Undo restores them", func(b *tab) {
		b.submit("Undo")
		b.waitForToast("Restored 2 heartbeats")
		b.navigate("/heartbeats?tag=weekly")
		b.expectRows("job 05", "job 06")
	})
}

func TestHeartbeat_DeletionAsksForTheNameAndCanBeUndone(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	createDozen(t, s.newClient(t))
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.followLink("job 05")
	second := newTab(t, s) // its open stream must not cause a log line
	second.signIn(ownerEmail, ownerPassword)
	second.followLink("job 05")
	second.expect(404)
	b.step("the dialog can be closed", func(b *tab) {
		b.press("Delete")
		b.waitFor("the question", `document.querySelector("dialog").open`)
		b.press("Keep it")
		b.waitFor("the question gone", `!document.querySelector("dialog").open`)
	})
	b.step("the name confirms the deletion", func(b *tab) {
		b.press("Delete")
		b.fill("Type the name to confirm", "job 05")
		b.submit("Delete heartbeat")
		b.waitForPath("/heartbeats")
		if names := b.rowNames(); slices.Contains(names, "job 05") || len(names) != 11 {
			b.Errorf("after the deletion the list is %q", names)
		}
	})
	b.step("Undo restores the heartbeat", func(b *tab) {
		b.submit("Undo")
		b.waitForToast("Restored job 05")
		b.followLink("Heartbeats")
		if names := b.rowNames(); !slices.Contains(names, "job 05") || len(names) != 12 {
			b.Errorf("after Undo the list is %q", names)
		}
	})
}

func TestLive_AnUpdatedRowKeepsFocusSelectionAndPosition(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	all := createDozen(t, s.newClient(t))
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.tick("Select job 09")
	b.run(chromedp.Evaluate[chromedp.Void](touch + `; scrollTo(0, 150); for (const r of document.querySelectorAll(".hb")) r.dataset.before = "1"`))
	const where = `Math.round(scrollY)`
	before := mustEvaluate[int](b, where)
	if before == 0 {
		b.Fatal("the page does not scroll; the test proves nothing")
	}
	ping(t, *all[8].PingURL)
	b.waitFor("the row Up, on the page as it was loaded", rowHasStatus("job 09", "up")+"&&"+untouched)
	b.waitFor("the row replaced, and no other", `document.querySelectorAll(".hb:not([data-before])").length === 1`)
	b.waitFor("the box still ticked", `document.querySelector('[aria-label="Select job 09"]').checked`)
	b.waitFor("the focus still on it", `document.activeElement.ariaLabel === "Select job 09"`)
	b.waitForText("1 selected")
	if after := mustEvaluate[int](b, where); after != before {
		b.Errorf("the page scrolled from %d to %d", before, after)
	}
	b.waitFor("the change said aloud", `document.querySelector("#announce").textContent === "job 09 is Up"`)
}
