package browser_test

import (
	"fmt"
	"slices"
	"strings"
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
		b.waitFor("the focused search field with its text", `document.activeElement.name === "q" && document.activeElement.value === "job 1"`)
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

// namesCover returns an expression: every name of the list is visible and above the
// tags of its row, a long tag leaves no gap before the next one, every strip shows whole
// bars, and no row is wider than the list.
const namesCover = `[...document.querySelectorAll(".hb")].every((row) => {
	const name = row.querySelector(".hb-name").getBoundingClientRect();
	const tags = [...row.querySelectorAll(".tag")].filter((t) => t.checkVisibility()).map((t) => t.getBoundingClientRect());
	const strip = row.querySelector(".strip").getBoundingClientRect();
	const cut = [...row.querySelectorAll(".tags li")].filter((li) => li.checkVisibility());
	return name.width >= 40 && cut.every((li) => li.getBoundingClientRect().width - li.firstElementChild.getBoundingClientRect().width < 1) && tags.every((t) => t.top >= name.bottom - 1 && t.right <= row.getBoundingClientRect().right) &&
		(strip.height > 24 || Math.abs(strip.width % 7) < 0.1);
})`

func TestHeartbeatList_TheNameHasItsOwnLineAtEveryWidth(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	api := s.newClient(t)
	var tags []string
	for i := range 20 {
		tags = append(tags, fmt.Sprintf("environment:production-%02d-in-europe-central-1", i))
	}
	for _, name := range []string{"backup", strings.Repeat("x", 100), "نسخ احتياطي لقاعدة البيانات الرئيسية"} {
		for _, n := range []int{0, 3, 20} {
			createHeartbeat(t, api, name, "24h", "1h", tags[:n]...)
		}
	}
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	for _, width := range []int64{360, 390, 768, 1280, 1920} {
		b.resize(width)
		b.navigate("/heartbeats")
		b.expectNoSidewaysScroll()
		if !mustEvaluate[bool](b, namesCover) {
			b.Errorf("at %d px, a name is hidden, next to tags, or a strip is cut", width)
		}
	}
	b.step("a phone shows box, status and menu on one line, and the strip at the full width", func(b *tab) {
		b.resize(390)
		b.navigate("/heartbeats")
		b.waitFor("one line and a wide strip", `[...document.querySelectorAll(".hb")].every((row) => {
			const [box, status, menu] = [".pick", ".status", ".btn-icon"].map((s) => row.querySelector(":scope > " + s).getBoundingClientRect());
			const name = row.querySelector(".hb-name").getBoundingClientRect();
			return box.right < status.left && status.right < menu.left && Math.max(box.bottom, status.bottom) <= name.top + 1 &&
				row.querySelector(".strip").getBoundingClientRect().width > 240;
		})`)
	})
	b.step("the other tags open in place", func(b *tab) {
		b.waitFor("20 tags of a row", `(() => {
			const more = [...document.querySelectorAll(".tags-more")].find((d) => d.querySelectorAll("a").length === 18);
			more.querySelector("summary").click();
			return more.open && [...more.closest(".hb").querySelectorAll("a.tag")].filter((t) => t.checkVisibility()).length === 20;
		})()`)
		b.expectNoSidewaysScroll()
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
		b.press("Tags")
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
		b.waitForToast("Deleted 2 heartbeats")
		b.waitFor("the list with the same filter", `location.search === "?tag=weekly"`)
	})
	b.step("Undo restores them", func(b *tab) {
		b.submit("Undo")
		b.waitForToast("Restored 2 heartbeats")
		b.expectRows("job 05", "job 06")
	})
	b.step("Grace period, set with Enter and undone", func(b *tab) {
		pick(b)
		b.press("Grace period")
		b.fill("Grace period", "45m")
		b.waitForNavigation(func() { b.typeKeys(kb.Enter) })
		b.waitForToast("Set the grace period of 2 heartbeats")
		b.waitForText("grace 45m")
		b.submit("Undo")
		b.waitForToast("Undone for 2 heartbeats")
		b.waitFor("the old grace period", `!document.querySelector(".hb-list").innerText.includes("45m") && location.search === "?tag=weekly"`)
	})
	b.step("Severity, which the rows then name", func(b *tab) {
		pick(b)
		b.press("Severity")
		b.waitFor("the choice of a severity", `(document.querySelector("#bulk-severity-value").value = "warning") && document.querySelector("#bulk-severity-value").checkVisibility()`)
		b.submit("Set severity")
		b.waitForToast("Set the severity of 2 heartbeats")
		b.waitFor("two warnings", `document.querySelectorAll(".hb .sev").length === 2`)
		b.submit("Undo")
		b.waitFor("no warning", `document.querySelectorAll(".hb .sev").length === 0`)
	})
	b.step("the menu of a row offers what fits its status", func(b *tab) {
		const entries = `["pause", "resume"].map((v) => document.querySelector("#row-menu button[value=" + v + "]").checkVisibility()).join()`
		b.press("Actions for job 05")
		b.waitFor("Pause, not Resume", entries+` === "true,false"`)
		b.waitForNavigation(func() { mustEvaluate[bool](b, `document.querySelector("#row-menu button[value=pause]").click(), true`) })
		b.waitForToast("Paused 1 heartbeat")
		b.press("Actions for job 05")
		b.waitFor("Resume, not Pause", entries+` === "false,true"`)
	})
}

func TestHeartbeatList_SearchesWhileTyping(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	all := createDozen(t, s.newClient(t))
	ping(t, *all[1].PingURL+"/fail")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.step("the favicon shows one Down", func(b *tab) {
		b.waitFor("the icon with 1", `document.querySelector("link[rel=icon]").getAttribute("href").includes("favicon-down-1.")`)
	})
	b.step("typing filters, keeps the focus, sets the address and announces the count", func(b *tab) {
		b.typeKeys("/job 1")
		b.waitFor("three rows", `document.querySelectorAll(".hb").length === 3 && location.search === "?q=job+1"`)
		b.waitFor("the announcement", `document.querySelector("#announce").textContent === "3 matching heartbeats"`)
		b.waitFor("the focus", `document.activeElement.name === "q" && document.activeElement.value === "job 1"`)
	})
	b.step("an empty search shows all", func(b *tab) {
		b.fill("Search heartbeats", "")
		b.waitFor("twelve rows", `document.querySelectorAll(".hb").length === 12 && location.search === ""`)
	})
}

func TestShortcuts_TheDialogListsWhatWorks(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	b.step("? opens the help", func(b *tab) {
		b.typeKeys("?")
		b.waitFor("the dialog", `document.querySelector("#shortcuts").open`)
		b.typeKeys(kb.Escape)
		b.waitFor("no dialog", `!document.querySelector("#shortcuts").open`)
	})
	b.step("g i opens Incidents, and n a new heartbeat with the focus in Name", func(b *tab) {
		b.waitForNavigation(func() { b.typeKeys("gi") })
		b.waitForPath("/incidents")
		b.waitForNavigation(func() { b.typeKeys("n") })
		b.waitForPath("/heartbeats/new")
		b.waitFor("the focus", `document.activeElement.name === "name"`)
	})
	b.step("keys in a field are text", func(b *tab) {
		b.typeKeys("n?")
		b.waitFor("the text", `document.activeElement.value === "n?" && !document.querySelector("#shortcuts").open`)
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
	b.run(chromedp.Evaluate[chromedp.Void](markDocument + `; scrollTo(0, 150); for (const r of document.querySelectorAll(".hb")) r.dataset.before = "1"`))
	const where = `Math.round(scrollY)`
	before := mustEvaluate[int](b, where)
	if before == 0 {
		b.Fatal("the page does not scroll; the test proves nothing")
	}
	ping(t, *all[8].PingURL)
	b.waitFor("the row Up, on the page as it was loaded", rowHasStatus("job 09", "up")+"&&"+documentIsMarked)
	b.waitFor("the row replaced, and no other", `document.querySelectorAll(".hb:not([data-before])").length === 1`)
	b.waitFor("the box still ticked", `document.querySelector('[aria-label="Select job 09"]').checked`)
	b.waitFor("the focus still on it", `document.activeElement.ariaLabel === "Select job 09"`)
	b.waitForText("1 selected")
	if after := mustEvaluate[int](b, where); after != before {
		b.Errorf("the page scrolled from %d to %d", before, after)
	}
	b.waitFor("the change said aloud", `document.querySelector("#announce").textContent === "job 09 is Up"`)
}
