package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// expectFault runs a script that must cause a fault, and removes the fault from the
// list.
func (b *tab) expectFault(script, noticed string) {
	b.Helper()
	b.run(chromedp.Evaluate[chromedp.Void](script))
	waitUntil(b.T, "the fault of "+script, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, wrong := range b.wrong {
			if strings.Contains(wrong, noticed) {
				b.wrong = append(b.wrong[:i], b.wrong[i+1:]...)
				return nil
			}
		}
		return fmt.Errorf("recorded: %q", b.wrong)
	})
}

func TestFaultRecorder_NoticesPolicyViolations(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	b := newTab(t, s)
	b.navigate("/sign-in")
	add := `((tag, set) => { const e = document.createElement(tag); set(e); document.head.append(e); })`
	for script, noticed := range map[string]string{
		add + `("script", (e) => { e.textContent = "window.ran = 1"; })`:       "script-src-elem inline",
		add + `("style", (e) => { e.textContent = "body { color: red }"; })`:   "style-src-elem inline",
		add + `("p", (e) => { e.setAttribute("style", "color: red"); })`:       "style-src-attr inline",
		add + `("img", (e) => { e.src = "http://127.0.0.1:9/picture.png"; })`:  "img-src http://127.0.0.1:9",
		add + `("script", (e) => { e.src = "http://127.0.0.1:9/script.js"; })`: "script-src-elem http://127.0.0.1:9",
		add + `("iframe", (e) => { e.src = "http://127.0.0.1:9/"; })`:          "frame-src http://127.0.0.1:9",
		`void fetch("http://127.0.0.1:9/secret").catch(() => 0)`:               "connect-src http://127.0.0.1:9",
		`setTimeout(() => { document.body.append(new DOMParser().gone); x; })`: "exception: ReferenceError",
		`console.error("something is wrong")`:                                  "something is wrong",
		`void fetch("/nowhere")`:                                               "answer: 404 to GET " + s.base + "/nowhere",
	} {
		b.expectFault(script, noticed)
	}
	if mustEvaluate[bool](b, `"ran" in window`) {
		b.Error("a script ran that the policy forbids")
	}
	b.finish() // each violation is reported several times
}
