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

// Scripts that find elements of a page.
var (
	//go:embed page/find.js
	find string
	//go:embed page/overflow.js
	overflow string
)

// tab is one browser tab with its own cookies.
type tab struct {
	*testing.T
	ctx  context.Context
	base string
	*faultRecorder
}

// newTab opens a tab for a server. At the end of the test it reports faults, and
// keeps a screenshot if the test failed.
func newTab(t *testing.T, s *server) *tab {
	t.Helper()
	b := &tab{T: t, base: s.base, faultRecorder: &faultRecorder{requests: map[string]string{}}}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.handleEvent))
	b.ctx = ctx
	t.Cleanup(func() {
		defer cancel()
		b.close()
	})
	// The tab closes when the context of its first action ends, so this one has no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	b.resize(wide)
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(b, audits.Enable, cdp.Empty{})
	call(b, runtime.AddBinding, runtime.AddBindingParams{Name: violationCallback})
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: violationListener + toastListener})
	return b
}

// close checks the last page and reports the faults of the tab.
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

// screenshot saves a screenshot in the artifact directory (go test -artifacts).
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

// run runs actions that must succeed.
func (b *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// call sends one protocol command and returns its result.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.Helper()
	var result R
	b.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		result, err = cdp.Call(ctx, t, command, params)
		return err
	}))
	return result
}

// evaluate evaluates an expression in the page. An error may only mean that the
// page is being replaced.
func evaluate[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// mustEvaluate evaluates an expression that must succeed.
func mustEvaluate[T any](b *tab, expression string) T {
	b.Helper()
	value, err := evaluate[T](b, expression)
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

// waitFor waits until an expression is true. what describes it.
func (b *tab) waitFor(what, expression string) {
	b.Helper()
	waitUntil(b.T, what, func() error { return b.check(expression) })
}

// check returns nil if an expression is true, and otherwise an error with the text
// of the page.
func (b *tab) check(expression string) error {
	yes, err := evaluate[bool](b, "!!("+expression+")")
	if err != nil || yes {
		return err
	}
	text, err := evaluate[string](b, `location.pathname + location.search + "\n" + document.body.innerText.slice(0, 2500)`)
	return errors.Join(fmt.Errorf("the page is %s", text), err)
}

// waitForText waits until the page shows a text.
func (b *tab) waitForText(text string) {
	b.Helper()
	b.waitFor("the page says "+quote(text), fmt.Sprintf(`document.body.innerText.replace(/\s+/g, " ").includes(%s)`, quote(text)))
}

// waitForToast waits until the page shows a toast, or has shown it.
func (b *tab) waitForToast(text string) {
	b.Helper()
	b.waitFor("the toast "+quote(text), fmt.Sprintf(`document.documentElement.dataset.toast?.includes(%s)`, quote(text)))
}

// waitForPath fails unless the page has this path.
func (b *tab) waitForPath(path string) {
	b.Helper()
	if here := mustEvaluate[string](b, "location.pathname"); here != path {
		b.Fatalf("the page is %s; want %s", here, path)
	}
}

// navigate opens an address.
func (b *tab) navigate(path string) {
	b.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = b.base + path
	}
	b.run(chromedp.Navigate(url))
}

// position is the position of a control, or the reason why it cannot be clicked.
type position struct {
	X, Y float64
	Why  string
}

// locate waits until a control can be clicked and does not move, and returns its
// position. A response of the server may move it, and a click would miss.
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

// click clicks a control.
func (b *tab) click(kind, name string) {
	b.Helper()
	at := b.locate(kind, name)
	b.run(chromedp.MouseClickXY(at.X, at.Y))
}

// press clicks a button that acts on the page.
func (b *tab) press(name string) {
	b.Helper()
	b.click("button", name)
}

// submit clicks a button that sends a form, and waits for the next page.
func (b *tab) submit(name string) {
	b.Helper()
	b.waitForNavigation(func() { b.click("button", name) })
}

// followLink clicks a link, and waits for its page.
func (b *tab) followLink(name string) {
	b.Helper()
	b.waitForNavigation(func() { b.click("link", name) })
}

// waitForNavigation runs do, which must open another page or reload this one, and
// waits until that page is complete.
func (b *tab) waitForNavigation(do func()) {
	b.Helper()
	b.run(chromedp.Evaluate[chromedp.Void](`document.documentElement.dataset.left = "soon"`))
	do()
	b.waitFor("another page", `!document.documentElement.dataset.left && document.readyState === "complete"`)
}

// tick clicks a checkbox or radio button.
func (b *tab) tick(name string) {
	b.Helper()
	b.click("field", name)
}

// fill replaces the text of a field.
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

// typeKeys presses keys. As on a real keyboard, a key that the page handles writes
// no text; the key actions of chromedp would write it.
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

// resize changes the width of the window.
func (b *tab) resize(width int64) {
	b.Helper()
	b.run(chromedp.EmulateViewport(width, high))
}

// expectNoSidewaysScroll reports the elements that make the page wider than the
// window.
func (b *tab) expectNoSidewaysScroll() {
	b.Helper()
	if over := mustEvaluate[[]string](b, "("+overflow+")()"); len(over) > 0 {
		b.Errorf("the page scrolls sideways: %s", strings.Join(over, "\n  "))
	}
}

// signIn signs in with the form, and ends at the list.
func (b *tab) signIn(email, password string) {
	b.Helper()
	b.navigate("/sign-in")
	b.fill("Email", email)
	b.fill("Password", password)
	b.submit("Sign in")
	b.waitForPath("/heartbeats")
}

// step runs a part of a journey as a subtest that is named after its promise. The
// steps after a failed one do not run.
func (b *tab) step(promise string, do func(b *tab)) {
	b.Helper()
	before := len(b.faults())
	if !b.Run(promise, func(t *testing.T) {
		here := *b
		here.T = t
		do(&here)
		for _, fault := range b.faults()[before:] {
			t.Error(fault)
		}
	}) {
		b.FailNow()
	}
}

// quote returns a JavaScript string literal.
func quote(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		return `""` // texts can be written
	}
	return string(out)
}
