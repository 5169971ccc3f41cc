package browser_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Sizes of windows, in CSS pixels.
const (
	wide   = 1280
	narrow = 360
	high   = 900
)

// Scripts that look at a page.
var (
	//go:embed page/find.js
	find string
	//go:embed page/overflow.js
	overflow string
)

// tab is one tab of the browser, with cookies of its own.
type tab struct {
	*testing.T
	ctx  context.Context
	base string
	*faultRecorder
}

// newTab opens a tab that looks at a server. At the end of the test it says what
// went wrong in it, and shows what was last to be seen.
func newTab(t *testing.T, s *server) *tab {
	t.Helper()
	b := &tab{T: t, base: s.base, faultRecorder: &faultRecorder{requests: map[string]string{}}}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.handleEvent))
	b.ctx = ctx
	t.Cleanup(func() {
		defer cancel()
		b.close()
	})
	// What a tab is first run with is what it lives as long as: no deadline here.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	b.resize(wide)
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(b, audits.Enable, cdp.Empty{})
	call(b, runtime.AddBinding, runtime.AddBindingParams{Name: violationCallback})
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: violationListener})
	return b
}

// close judges the last page, and tells what went wrong meanwhile.
func (b *tab) close() {
	if b.Failed() {
		b.screenshot("failed")
	} else {
		b.resize(narrow)
		b.expectNoSidewaysScroll()
	}
	for _, wrong := range b.faults() {
		b.Error(wrong)
	}
}

// screenshot keeps what is to be seen where go test -artifacts puts things.
func (b *tab) screenshot(name string) {
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(b.ArtifactDir(), name+".png"), shot, 0o600)
	}
	if err != nil {
		b.Log("picture:", err)
	}
}

// run runs steps that must succeed.
func (b *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// call sends one command of the protocol and returns its result.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.Helper()
	var result R
	b.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		result, err = cdp.Call(ctx, t, command, params)
		return err
	}))
	return result
}

// evaluate evaluates an expression in the page. An error is no fault of the page: it
// may be on its way out.
func evaluate[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// mustEvaluate evaluates an expression in the page, which must be there.
func mustEvaluate[T any](b *tab, expression string) T {
	b.Helper()
	value, err := evaluate[T](b, expression)
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

// waitFor waits until an expression is true in the page. What says it in words.
func (b *tab) waitFor(what, expression string) {
	b.Helper()
	waitUntil(b.T, what, func() error { return b.check(expression) })
}

// check returns nil when an expression is true in the page, else what is there.
func (b *tab) check(expression string) error {
	yes, err := evaluate[bool](b, "!!("+expression+")")
	if err != nil || yes {
		return err
	}
	text, err := evaluate[string](b, `location.pathname + location.search + "\n" + document.body.innerText.slice(0, 2500)`)
	return errors.Join(fmt.Errorf("the page is %s", text), err)
}

// waitForText waits until the page says a text that can be seen.
func (b *tab) waitForText(text string) {
	b.Helper()
	b.waitFor("the page says "+quote(text), fmt.Sprintf(`document.body.innerText.replace(/\s+/g, " ").includes(%s)`, quote(text)))
}

// waitForPath complains unless the page is that of a path.
func (b *tab) waitForPath(path string) {
	b.Helper()
	if here := mustEvaluate[string](b, "location.pathname"); here != path {
		b.Fatalf("the page is %s; want %s", here, path)
	}
}

// navigate goes to a page by its address.
func (b *tab) navigate(path string) {
	b.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = b.base + path
	}
	b.run(chromedp.Navigate(url))
}

// position is where something is to be seen, or why not.
type position struct {
	X, Y float64
	Why  string
}

// locate waits until a control can be pointed at and rests, and returns where: an
// answer of the server may move it, and a click would miss it.
func (b *tab) locate(kind, name string) (at position) {
	b.Helper()
	waitUntil(b.T, "pointing at "+name, func() (err error) {
		before := at
		at, err = evaluate[position](b, fmt.Sprintf("(%s)(%s, %s)", find, quote(kind), quote(name)))
		switch {
		case err == nil && at.Why != "":
			return errors.New(at.Why)
		case err == nil && at != before:
			return errors.New("it moves")
		}
		return err
	})
	return at
}

// click clicks on a control and stays on the page.
func (b *tab) click(kind, name string) {
	b.Helper()
	at := b.locate(kind, name)
	b.run(chromedp.MouseClickXY(at.X, at.Y))
}

// press clicks on a button that does something on the page.
func (b *tab) press(name string) {
	b.Helper()
	b.click("button", name)
}

// submit clicks on a button that sends a form, and waits for the page after it.
func (b *tab) submit(name string) {
	b.Helper()
	b.waitForNavigation(func() { b.click("button", name) })
}

// followLink clicks on a link, and waits for the page that it leads to.
func (b *tab) followLink(name string) {
	b.Helper()
	b.waitForNavigation(func() { b.click("link", name) })
}

// waitForNavigation does something that leads to another page, or to the same one anew, and
// waits until that is there, complete, with its script.
func (b *tab) waitForNavigation(do func()) {
	b.Helper()
	b.run(chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.left = "soon"`))
	do()
	b.waitFor("another page", `!document.documentElement.dataset.left && document.readyState === "complete"`)
}

// tick clicks on a box or a choice.
func (b *tab) tick(name string) {
	b.Helper()
	b.click("field", name)
}

// fill clicks on a field and writes a text in place of what it holds.
func (b *tab) fill(name, text string) {
	b.Helper()
	waitUntil(b.T, "the focus on "+name, func() error {
		b.tick(name)
		if !mustEvaluate[bool](b, `document.activeElement.matches("input, textarea, select")`) {
			return errors.New("the click missed it")
		}
		return nil
	})
	b.run(chromedp.Evaluate[chromedp.Void](`document.activeElement.select?.()`))
	b.typeKeys(kb.Backspace + text)
}

// typeKeys presses keys, wherever the focus is. As with a real keyboard a key that
// the page takes for itself writes nothing, which the keys of chromedp do.
func (b *tab) typeKeys(keys string) {
	b.Helper()
	for _, r := range keys {
		var down input.DispatchKeyEventParams
		for _, part := range kb.Encode(r) {
			switch part.Type {
			case kb.KeyDown:
				down = *part
			case kb.KeyChar:
				down.Type, down.Text, down.UnmodifiedText = input.DispatchKeyEventTypeKeyDown, part.Text, part.UnmodifiedText
			default:
				call(b, input.DispatchKeyEvent, down)
				call(b, input.DispatchKeyEvent, *part)
			}
		}
	}
}

// resize makes the window another width.
func (b *tab) resize(width int64) {
	b.Helper()
	b.run(chromedp.EmulateViewport(width, high))
}

// expectNoSidewaysScroll complains when the page is wider than the window, and names what sticks
// out.
func (b *tab) expectNoSidewaysScroll() {
	b.Helper()
	if over := mustEvaluate[[]string](b, "("+overflow+")()"); len(over) > 0 {
		b.Errorf("the page scrolls sideways: %s", strings.Join(over, "\n  "))
	}
}

// signIn signs in by the form, and arrives at the list.
func (b *tab) signIn(email, password string) {
	b.Helper()
	b.navigate("/sign-in")
	b.fill("Email", email)
	b.fill("Password", password)
	b.submit("Sign in")
	b.waitForPath("/heartbeats")
}

// quote writes a text as a script does.
func quote(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		return `""` // texts can be written
	}
	return string(out)
}
