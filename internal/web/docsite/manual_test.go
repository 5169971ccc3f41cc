package docsite

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"overdue/internal/api"
	"overdue/internal/web/view/docsview"
)

// manualBaseURL is the address of the installation in these tests.
const manualBaseURL = "https://overdue.example"

// testOpenAPI returns the OpenAPI document as the server returns it.
func testOpenAPI() ([]byte, error) {
	answer := httptest.NewRecorder()
	api.New(api.Options{BaseURL: manualBaseURL, Version: "1.0.0"}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, SpecPath, nil))
	return answer.Body.Bytes(), nil
}

// loadManual returns the manual of the program.
func loadManual(t *testing.T) *Manual {
	t.Helper()
	b, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// renderPage returns the body of a page for a reader.
func renderPage(t *testing.T, c *Page, r Reader) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.Body(r).Render(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// exampleReader has addresses that occur nowhere in the manual.
var exampleReader = Reader{BaseURL: "https://watch.kestrel.example", PingURL: "https://watch.kestrel.example/api/v1/hb/fdc21dc3-1307-4610-80fe-b809fc4c10c1"}

func TestLoad_EveryPageIsCompleteAndItsLinksResolve(t *testing.T) {
	b := loadManual(t)
	if len(b.Pages) < 10 {
		t.Fatalf("only %d pages", len(b.Pages))
	}
	for slug, c := range b.Pages {
		html := renderPage(t, c, exampleReader)
		if strings.Contains(html, "<h1") {
			t.Errorf("%s has a second h1", slug)
		}
		if strings.Contains(html, "style=") || strings.Contains(html, "<script") {
			t.Errorf("%s contains markup that the policy forbids", slug)
		}
		if strings.Contains(html, "<!-- raw HTML omitted -->") {
			t.Errorf("%s holds HTML", slug)
		}
		for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(html, -1) {
			if !c.ids[m[1]] {
				t.Errorf("%s links to #%s, which does not exist", slug, m[1])
			}
		}
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			if seen[m[1]] {
				t.Errorf("%s has the anchor %s twice", slug, m[1])
			}
			seen[m[1]] = true
		}
		if len(c.Next) == 0 || len(c.Contents) == 0 {
			t.Errorf("%s has no headings, or no next pages", slug)
		}
	}
}

func TestPage_ShowsTheReadersOwnAddresses(t *testing.T) {
	b := loadManual(t)
	for slug, c := range b.Pages {
		html := renderPage(t, c, exampleReader)
		if strings.Contains(html, "overdue.example.org") || strings.Contains(html, PlaceholderID+"\"") {
			t.Errorf("%s shows an address that is not the reader's", slug)
		}
	}
	first := renderPage(t, b.Pages["first-heartbeat"], exampleReader)
	if strings.Count(first, exampleReader.PingURL) < 13 {
		t.Error("the first page does not hold the reader's ping URL in each snippet and in its own line")
	}
	if self := renderPage(t, b.Pages["self-hosting"], exampleReader); !strings.Contains(self, "https://overdue.example.com") {
		t.Error("an address that only stands for any was replaced")
	}
}

func TestParsePage_WritesOurMarkup(t *testing.T) {
	c, err := parsePage(fstest.MapFS{"p.md": {Data: []byte(strings.Join([]string{
		"# Page", "", "What it is *for*.", "", "## Two words", "",
		"A [link](p.md#two-words), [outside](https://x.example/) and [Up](status:up) with `a < b`.", "",
		"| a | b |", "| --- | --- |", "| 1 | `2` |", "", "> **Mind** the gap.", "", "### Deeper", "",
		"```sh Terminal", "echo <it>", "```", "",
	}, "\n"))}}, "p")
	if err != nil {
		t.Fatal(err)
	}
	html := renderPage(t, c, exampleReader)
	for _, want := range []string{
		`<h2 id="two-words">Two words <a class="anchor" href="#two-words" aria-label="Link to this section">#</a></h2>`,
		`<a href="/docs/p#two-words" class="link">link</a>`, `<a href="https://x.example/" class="link">outside</a>`,
		`data-status="up"`, `<code>a &lt; b</code>`, `<div class="table-wrap"><table class="table">`, `<th scope="col">a</th>`,
		`<div class="note"><b>Mind</b><span> the gap.</span></div>`, `<h3 id="deeper">Deeper</h3>`,
		`<code id="c-1">echo &lt;it&gt;</code>`, `data-copy="#c-1"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in\n%s", want, html)
		}
	}
	if c.Title != "Page" || c.Lede != "What it is for." || strings.Contains(html, "What it is") {
		t.Errorf("title %q, lede %q", c.Title, c.Lede)
	}
	if len(c.Contents) != 1 || c.Contents[0] != (docsview.Heading{ID: "two-words", Title: "Two words"}) {
		t.Errorf("on this page: %v", c.Contents)
	}
}

func TestParseManual_RejectsAnInvalidManual(t *testing.T) {
	for name, text := range map[string]string{
		"HTML":                       "# T\n\nL.\n\n<b>x</b>\n",
		"HTML in a line":             "# T\n\nL.\n\na <i>b</i>\n",
		"a second title":             "# T\n\nL.\n\n# U\n",
		"no paragraph":               "# T\n",
		"two equal headings":         "# T\n\nL.\n\n## A\n\n## A\n",
		"a dead link":                "# T\n\nL.\n\n[x](gone.md)\n",
		"a dead place":               "# T\n\nL.\n\n[x](p.md#gone)\n",
		"a link to a missing anchor": "# T\n\nL.\n\n[x](#gone)\n",
		"a link to a file":           "# T\n\nL.\n\n[x](picture.png)\n",
		"an unknown piece":           "# T\n\nL.\n\n```overdue-clock\n```\n",
		"code without a name":        "# T\n\nL.\n\n```sh\nls\n```\n",
		"code in a list":             "# T\n\nL.\n\n- a\n\n  ```sh Terminal\n  ls\n  ```\n",
		"a quotation":                "# T\n\nL.\n\n> plain\n",
		"an image":                   "# T\n\nL.\n\n![x](https://x.example/)\n",
		"a missing next page":        "# T\n\nL.\n\n```overdue-next\ngone: why\n```\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseManual(fstest.MapFS{"p.md": {Data: []byte(text)}}, []navGroup{{"S", []string{"p"}}}); err == nil {
				t.Error("accepted; want an error")
			}
		})
	}
	if _, err := parseManual(fstest.MapFS{"p.md": {Data: []byte("# T\n\nL.\n")}, "q.md": {Data: []byte("# T\n\nL.\n")}}, []navGroup{{"S", []string{"p"}}}); err == nil {
		t.Error("a page outside the navigation was accepted")
	}
}

func TestManual_NeighboursFollowTheOrder(t *testing.T) {
	b := loadManual(t)
	before, after := b.Neighbours("first-heartbeat")
	if before.Slug != "" || after.Slug != "integrations" {
		t.Errorf("around the first page: %q and %q", before.Slug, after.Slug)
	}
	if before, after = b.Neighbours(b.Order[len(b.Order)-1].Slug); before.Slug == "" || after.Slug != "" {
		t.Errorf("around the last page: %q and %q", before.Slug, after.Slug)
	}
}

func TestGroups_ContainEveryPathOfTheAPI(t *testing.T) {
	written, err := testOpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseOpenAPI(written)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, g := range s.Groups(manualBaseURL) {
		if len(g.Operations) == 0 {
			t.Errorf("%s is empty", g.Title)
		}
		for _, o := range g.Operations {
			shown[o.Method+" "+o.Path] = true
			if o.Summary == "" || len(o.Responses) == 0 || o.Example == "" {
				t.Errorf("%s %s has no summary or description", o.Method, o.Path)
			}
			if strings.Contains(o.Example, "{") && !strings.Contains(o.Example, "-d '{") {
				t.Errorf("%s %s: the command has a placeholder: %s", o.Method, o.Path, o.Example)
			}
		}
	}
	for path, operations := range s.Paths {
		for verb, op := range operations {
			ping := op.Tags[0] == pingTag && verb != "post"
			if !ping && !shown[strings.ToUpper(verb)+" "+path] {
				t.Errorf("%s %s is not in the reference", verb, path)
			}
		}
	}
	if len(shown) < 20 {
		t.Errorf("only %d operations", len(shown))
	}
}

func TestGroups_ShowParametersAndExamples(t *testing.T) {
	document, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseOpenAPI(document)
	if err != nil {
		t.Fatal(err)
	}
	groups := s.Groups("https://x.example")
	if len(groups) != 2 || groups[0].Title != "Things" || groups[1].Title != "Pinging" {
		t.Fatalf("groups: %+v", groups)
	}
	got := groups[0].Operations
	if len(got) != 2 || got[0].Method != "GET" || got[1].Method != "POST" || !got[0].ReadOnly || got[1].ReadOnly || got[0].NoKey {
		t.Fatalf("operations: %+v", got)
	}
	want := docsview.Parameter{Name: "size", Type: "integer or string", Required: true, Description: "How `big`"}
	if len(got[1].Body) != 2 || got[1].Body[1] != want {
		t.Errorf("body: %+v", got[1].Body)
	}
	if got[1].Body[0].Type != `"a" or "b" or null` {
		t.Errorf("kind of an enum: %s", got[1].Body[0].Type)
	}
	for _, line := range []string{"curl -sS https://x.example/api/v1/things \\", `-H "Authorization: Bearer $OVERDUE_API_KEY"`, `-d '{"size":"it'\''s"}'`} {
		if !strings.Contains(got[1].Example, line) {
			t.Errorf("the command lacks %s:\n%s", line, got[1].Example)
		}
	}
	if !strings.Contains(got[0].Answer, `"next_cursor": null`) || !strings.Contains(got[0].Answer, `"size": 3`) {
		t.Errorf("answer: %s", got[0].Answer)
	}
	if ping := groups[1].Operations; len(ping) != 1 || ping[0].Method != "POST" || !ping[0].NoKey || strings.Contains(ping[0].Example, "Bearer") {
		t.Errorf("pinging: %+v", ping)
	}
}
