package browser_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"overdue/client"
)

// Scripts that check a page.
var (
	//go:embed page/audit.js
	audit string
	//go:embed page/targets.js
	targets string
	//go:embed page/contrast.js
	contrast string
)

// reportErrors reports every error that a script returns.
func (b *tab) reportErrors(script string) {
	b.Helper()
	for _, wrong := range mustEvaluate[[]string](b, "("+script+")()") {
		b.Error(wrong)
	}
}

// preferTheme emulates the theme that the system prefers.
func (b *tab) preferTheme(theme string) {
	b.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
}

// contrastScript returns the brightness of the background: 0 is black, 1 is white.
const contrastScript = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d");
	for (const e of [document.documentElement, document.body]) {
		canvas.fillStyle = getComputedStyle(e).backgroundColor;
		canvas.fillRect(0, 0, 1, 1);
	}
	const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
	return a === 255 ? (r + g + b) / 765 : -1;
})()`

// namedRoles are the roles of elements that need an accessible name.
var namedRoles = []string{
	"button", "link", "textbox", "searchbox", "checkbox", "combobox", "radio", "spinbutton", "switch", "tab", "menuitem", "img", "image", "navigation",
	"dialog", "region", "complementary", "heading",
}

// expectNames reports elements without an accessible name.
func (b *tab) expectNames() {
	b.Helper()
	text := func(v *accessibility.Value) (s string) {
		if v == nil || json.Unmarshal(v.Value, &s) != nil { // the value of a name is a text
			return ""
		}
		return s
	}
	for _, n := range call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if role := text(n.Role); !n.Ignored && slices.Contains(namedRoles, role) && text(n.Name) == "" {
			b.Errorf("a screen reader finds a %s without a name (node %d)", role, n.BackendDOMNodeID)
		}
	}
}

// expectAccessible checks the current page: wide, with its accessibility tree,
// dark, and narrow.
func (b *tab) expectAccessible() {
	b.Helper()
	b.reportErrors(audit)
	b.expectNames()
	b.expectNoSidewaysScroll()
	if light := mustEvaluate[float64](b, contrastScript); light < 0.9 {
		b.Errorf("in the light theme the background has a brightness of %.2f", light)
	}
	b.preferTheme("dark")
	if dark := mustEvaluate[float64](b, contrastScript); dark < 0 || dark > 0.2 {
		b.Errorf("in the dark theme the background has a brightness of %.2f", dark)
	}
	b.preferTheme("light")
	b.resize(narrow)
	b.expectNoSidewaysScroll()
	b.reportErrors(targets)
	b.resize(wide)
}

// expectAllAccessible checks pages, each in its own subtest.
func (b *tab) expectAllAccessible(t *testing.T, paths []string) {
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			here := *b
			here.T = t
			before := len(b.faults())
			here.navigate(path)
			here.expectAccessible()
			for _, wrong := range b.faults()[before:] {
				t.Error(wrong)
			}
		})
	}
}

func TestAccessibility_EveryPage(t *testing.T) {
	t.Parallel()
	f, b := startSeeded(t)
	b.expect(403, 404)
	b.expectAllAccessible(t, f.pages)
	out := newTab(t, f.server)
	out.expect(404, 410)
	out.expectAllAccessible(t, f.signedOut)
}

func TestAccessibility_EveryManualPage(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	createHeartbeat(t, s.newClient(t), longName, "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	pages := b.manualPaths()
	if len(pages) < 12 {
		t.Fatalf("there are only %d pages to see: %q", len(pages), pages)
	}
	b.expectAllAccessible(t, append(pages, "/docs/search?q=cron", "/docs/search?q=qqqq"))
}

func TestAccessibility_EveryEmptyPage(t *testing.T) {
	t.Parallel()
	s := startFirstServer(t)
	b := newTab(t, s)
	b.expectAllAccessible(t, []string{"/setup", s.setup})
	createOwner(b, s)
	b.expectAllAccessible(t, []string{"/heartbeats", "/incidents", "/blackouts", "/channels", "/policies", "/policies/new", "/team", "/api-keys", "/audit", "/feedback", "/server"})
}

func TestAccessibility_ContrastInBothThemes(t *testing.T) {
	t.Parallel()
	b := newTab(t, startOwnedServer(t))
	b.navigate("/sign-in")
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			here := *b
			here.T = t
			here.preferTheme(theme)
			here.reportErrors(contrast)
		})
	}
}

func TestTheme_TheChoiceOverridesTheSystem(t *testing.T) {
	t.Parallel()
	b := newTab(t, startOwnedServer(t))
	b.navigate("/sign-in")
	b.press("Dark")
	for _, theme := range []string{"light", "dark"} {
		b.preferTheme(theme)
		b.run(chromedp.Reload())
		b.waitFor("the theme in what the server sent", `document.documentElement.dataset.theme === "dark"`)
		if dark := mustEvaluate[float64](b, contrastScript); dark < 0 || dark > 0.2 {
			b.Errorf("with a %s system the background has a brightness of %.2f", theme, dark)
		}
	}
}

func TestNarrow_TheSidebarOpensOverThePage(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	b := newTab(t, s)
	b.resize(narrow)
	b.signIn(ownerEmail, ownerPassword)
	open := `document.querySelector("#nav").getBoundingClientRect().right > 0 && document.querySelector("#nav").checkVisibility()`
	b.waitFor("no sidebar", "!("+open+")")
	b.press("Menu")
	b.waitFor("the sidebar", open)
	b.expectNoSidewaysScroll()
	b.typeKeys(kb.Escape)
	b.waitFor("no sidebar", "!("+open+")")
	b.press("Menu")
	b.followLink("Incidents")
	b.waitForPath("/incidents")
}

// zoneIsClear is an expression: the page names its time zone once, in its window, and
// nothing covers it.
const zoneIsClear = `(() => {
	const [zone, ...others] = document.querySelectorAll("main .page-zone");
	const at = zone.getBoundingClientRect();
	const clear = [...document.querySelectorAll("main *")].every((e) => {
		const r = e.getBoundingClientRect();
		return zone.contains(e) || !e.checkVisibility() || [...e.childNodes].every((n) => n.nodeType !== 3 || !n.data.trim()) ||
			r.top >= at.bottom - 1 || r.bottom <= at.top + 1 || r.left >= at.right || r.right <= at.left;
	});
	const onTop = zone.contains(document.elementFromPoint((at.left + at.right) / 2, (at.top + at.bottom) / 2));
	return others.length === 0 && onTop && zone.textContent === "Times in " + document.documentElement.dataset.tz + " Change" &&
		at.width > 40 && at.left >= 0 && at.right <= innerWidth && at.top >= 0 && at.bottom < 140 && clear;
})()`

func TestTimeZone_IsNamedOnceAboveEveryPageAtEveryWidth(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	api := s.newClient(t)
	h := createHeartbeat(t, api, longName, "24h", "1h")
	for _, name := range []string{"Warehouse screen", longName} {
		must[client.Channel](t)(api.CreateChannel(t.Context(), client.ChannelSettings{
			Kind: new("webhook"), Name: &name, Settings: map[string]any{"url": "http://127.0.0.1:1/" + name},
		}))
	}
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	for _, path := range []string{"/heartbeats", "/heartbeats/" + *h.ID, "/heartbeats/new", "/incidents", "/channels", "/channels/new?kind=webhook", "/audit", "/account", "/server"} {
		b.navigate(path)
		for _, width := range []int64{360, 768, 1280, 1920} {
			b.resize(width)
			b.waitFor(fmt.Sprintf("the time zone of %s at %d px", path, width), zoneIsClear)
			b.expectNoSidewaysScroll()
		}
	}
}
