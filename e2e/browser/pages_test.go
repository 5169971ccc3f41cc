package browser_test

import (
	_ "embed"
	"encoding/json"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Scripts that judge a page.
var (
	//go:embed page/audit.js
	audit string
	//go:embed page/targets.js
	targets string
	//go:embed page/contrast.js
	contrast string
)

// complain says everything that a script of these finds.
func (b *tab) complain(script string) {
	b.Helper()
	for _, wrong := range get[[]string](b, "("+script+")()") {
		b.Error(wrong)
	}
}

// prefer makes the system around the browser prefer a theme.
func (b *tab) prefer(theme string) {
	b.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
}

// brightness is that of the background of the page: 0 is black, 1 white.
const brightness = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d");
	for (const e of [document.documentElement, document.body]) {
		canvas.fillStyle = getComputedStyle(e).backgroundColor;
		canvas.fillRect(0, 0, 1, 1);
	}
	const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
	return a === 255 ? (r + g + b) / 765 : -1;
})()`

// mustBeNamed are roles of things that a screen reader says by name.
var mustBeNamed = []string{
	"button", "link", "textbox", "searchbox", "checkbox", "combobox", "radio", "spinbutton", "switch", "tab", "menuitem", "img", "image", "navigation",
	"dialog", "region", "complementary", "heading",
}

// named complains about what a screen reader would meet and could not name.
func (b *tab) named() {
	b.Helper()
	text := func(v *accessibility.Value) (s string) {
		if v == nil || json.Unmarshal(v.Value, &s) != nil { // the value of a name is a text
			return ""
		}
		return s
	}
	for _, n := range call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if role := text(n.Role); !n.Ignored && slices.Contains(mustBeNamed, role) && text(n.Name) == "" {
			b.Errorf("a screen reader finds a %s without a name (node %d)", role, n.BackendDOMNodeID)
		}
	}
}

// judge looks at the page that is open as everybody sees it: wide, with a screen
// reader, dark, and narrow.
func (b *tab) judge() {
	b.Helper()
	b.complain(audit)
	b.named()
	b.fits()
	if light := get[float64](b, brightness); light < 0.9 {
		b.Errorf("by day the background has a brightness of %.2f", light)
	}
	b.prefer("dark")
	if dark := get[float64](b, brightness); dark < 0 || dark > 0.2 {
		b.Errorf("by night the background has a brightness of %.2f", dark)
	}
	b.prefer("light")
	b.resize(narrow)
	b.fits()
	b.complain(targets)
	b.resize(wide)
}

// visit judges pages, each as a test of its own.
func (b *tab) visit(t *testing.T, paths []string) {
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			here := *b
			here.T = t
			before := len(b.faults())
			here.open(path)
			here.judge()
			for _, wrong := range b.faults()[before:] {
				t.Error(wrong)
			}
		})
	}
}

func TestEveryPageIsFitForEverybody(t *testing.T) {
	t.Parallel()
	f, b := furnish(t)
	b.expect(403, 404)
	b.visit(t, f.pages)
	out := newTab(t, f.server)
	out.expect(404, 410)
	out.visit(t, f.signedOut)
}

func TestEveryPageOfTheManualIsFitForEverybody(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	heartbeat(t, s.api(t), long, "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	pages := b.manual()
	if len(pages) < 12 {
		t.Fatalf("there are only %d pages to see: %q", len(pages), pages)
	}
	b.visit(t, append(pages, "/docs/search?q=cron", "/docs/search?q=qqqq"))
}

func TestEveryPageBeforeThereIsAnythingIsFitForEverybody(t *testing.T) {
	t.Parallel()
	s := serveFirst(t)
	b := newTab(t, s)
	b.visit(t, []string{"/setup", s.setup})
	founder(b, s)
	b.visit(t, []string{"/heartbeats", "/incidents", "/channels", "/team", "/api-keys", "/audit", "/feedback"})
}

func TestColoursHaveEnoughContrastInBothThemes(t *testing.T) {
	t.Parallel()
	b := newTab(t, serveOwned(t))
	b.open("/sign-in")
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			here := *b
			here.T = t
			here.prefer(theme)
			here.complain(contrast)
		})
	}
}

func TestTheThemeThatWasChosenStaysWhateverTheSystemPrefers(t *testing.T) {
	t.Parallel()
	b := newTab(t, serveOwned(t))
	b.open("/sign-in")
	b.press("Dark")
	for _, theme := range []string{"light", "dark"} {
		b.prefer(theme)
		b.do(chromedp.Reload())
		b.sees("the theme in what the server sent", `document.documentElement.dataset.theme === "dark"`)
		if dark := get[float64](b, brightness); dark < 0 || dark > 0.2 {
			b.Errorf("with a %s system the background has a brightness of %.2f", theme, dark)
		}
	}
}

func TestOnANarrowScreenTheSidebarOpensOverThePage(t *testing.T) {
	t.Parallel()
	s := serveOwned(t)
	b := newTab(t, s)
	b.resize(narrow)
	b.signIn(ownerEmail, ownerPassword)
	open := `document.querySelector("#nav").getBoundingClientRect().right > 0 && document.querySelector("#nav").checkVisibility()`
	b.sees("no sidebar", "!("+open+")")
	b.press("Menu")
	b.sees("the sidebar", open)
	b.fits()
	b.keys(kb.Escape)
	b.sees("no sidebar", "!("+open+")")
	b.press("Menu")
	b.follow("Incidents")
	b.at("/incidents")
}
