package browser_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"

	built "overdue/e2e/binary"
	// Only so that a change of the product is one of these tests too: go test
	// would otherwise answer from its cache what an older binary did.
	_ "overdue/internal/cli"
)

// Set by TestMain, for all tests.
var (
	binary   string          // path of the program
	chromium context.Context // of the one browser
)

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests mostly wait for deadlines, so more of them than there
	// are processors may run at the same time.
	if err := flag.Set("test.parallel", "4"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(built.With(func(path string) int {
		binary = path
		end, err := startBrowser()
		if err != nil {
			fmt.Fprintln(os.Stderr, "browser:", err)
			return 1
		}
		defer end()
		return m.Run()
	}))
}

// startBrowser starts Chromium.
func startBrowser() (end func(), err error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, errors.New("there is no chromium on this machine; install it with: sh tools/needs.sh")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(wide, high),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	allocator, forget := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		forget()
		return nil, fmt.Errorf("start of %s: %w", path, err)
	}
	chromium = ctx
	return func() {
		_ = chromedp.Cancel(ctx) // waits for it to go; if it does not, forget kills it
		forget()
	}, nil
}
