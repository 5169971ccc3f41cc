package browser_test

import (
	"context"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"overdue/internal/demo"
	"overdue/internal/store"
)

// galleryVariable is the environment variable with the folder of the screenshots.
// Without it, they are written to a temporary folder.
const galleryVariable = "GALLERY"

// galleryIndex lists the screenshots of a gallery.
var galleryIndex = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Overdue: screenshots</title>
<h1>Screenshots</h1>
{{range .}}<h2>{{.Page}}</h2>
<p>{{range .Files}}<a href="{{.}}"><img src="{{.}}" alt="{{.}}" width="300" loading="lazy"></a>
{{end}}</p>
{{end}}</html>
`))

// galleryPage is a page and its screenshots.
type galleryPage struct {
	Page  string
	path  string
	Files []string
}

func TestGallery_TheMainPagesAreRenderedWithDemoData(t *testing.T) {
	dir := os.Getenv(galleryVariable)
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, data := startDemoServer(t)
	pages := []galleryPage{
		{Page: "list", path: "/heartbeats"},
		{Page: "heartbeat", path: "/heartbeats/" + data.FirstHeartbeat},
		{Page: "incidents", path: "/incidents"},
		{Page: "incident", path: "/incidents/" + data.OpenIncident},
		{Page: "blackouts", path: "/blackouts?blackout=1"},
		{Page: "heartbeat-unwatched", path: "/heartbeats/" + data.Unwatched},
		{Page: "channels", path: "/channels"},
		{Page: "channel-new", path: "/channels/new?kind=slack"},
		{Page: "channel", path: "/channels/" + data.WorkingChannel},
		{Page: "policies", path: "/policies"},
		{Page: "policy", path: "/policies/new"},
	}
	b := newTab(t, s)
	b.signIn(demo.Accounts[0].Email, demo.Password)
	for i := range pages {
		b.navigate(pages[i].path)
		for _, width := range []int64{390, 1280, 1920} {
			b.resize(width)
			b.expectNoSidewaysScroll()
			for _, theme := range []string{"light", "dark"} {
				call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}, // no half of a transition
				}})
				name := fmt.Sprintf("%s-%d-%s.png", pages[i].Page, width, theme)
				b.fullScreenshot(filepath.Join(dir, name))
				pages[i].Files = append(pages[i].Files, name)
			}
		}
		b.preferTheme("light")
		b.resize(wide)
	}
	index, err := os.Create(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if err := galleryIndex.Execute(index, pages); err != nil {
		t.Error(err)
	}
	if err := index.Close(); err != nil {
		t.Error(err)
	}
}

// startDemoServer starts a server with the data of package demo.
func startDemoServer(t *testing.T) (*server, demo.Data) {
	t.Helper()
	database := filepath.Join(t.TempDir(), "overdue.db")
	db, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := demo.StartReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(receiver.Close)
	data, err := demo.Seed(t.Context(), db, time.Now(), receiver.Webhooks)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := startServerOn(t, database, "OVERDUE_SMTP_URL="+receiver.Mail, "OVERDUE_SMTP_FROM=overdue@example.com", "OVERDUE_SMTP_HELO=demo.example.com")
	s.provoked = []string{"delivery failed permanently", "channel not delivering"}
	return s, data
}

// fullScreenshot writes a screenshot of the whole page.
func (b *tab) fullScreenshot(file string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, shot, 0o644)
	}
	if err != nil {
		b.Fatalf("screenshot %s: %v", file, err)
	}
}
