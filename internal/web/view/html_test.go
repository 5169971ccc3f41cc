package view_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tests below read the pages with regular expressions instead of a parser: the
// templates write tidy HTML and escape every ">" in a value.
var (
	anyTag    = regexp.MustCompile(`<[a-zA-Z][^>]*>`)
	attribute = regexp.MustCompile(`\s([a-zA-Z][-a-zA-Z]*)(?:="([^"]*)")?`)
	textOf    = regexp.MustCompile(`>([^<]+)<`)
)

// element is a start tag with its attributes and its position.
type element struct {
	name  string
	attrs map[string]string
	at    int
}

func elements(html string) []element {
	var all []element
	for _, loc := range anyTag.FindAllStringIndex(html, -1) {
		tag := html[loc[0]:loc[1]]
		e := element{name: strings.ToLower(strings.TrimRight(regexp.MustCompile(`^<[a-zA-Z0-9]+`).FindString(tag), " ")[1:]), attrs: map[string]string{}, at: loc[0]}
		for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
			e.attrs[m[1]] = m[2]
		}
		all = append(all, e)
	}
	return all
}

func (e element) has(name string) bool { _, ok := e.attrs[name]; return ok }

// everyPage runs a check on every example page.
func everyPage(t *testing.T, check func(t *testing.T, html string, all []element)) {
	t.Helper()
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			html := render(t, e.page)
			check(t, html, elements(html))
		})
	}
}

func TestPages_FollowTheContentSecurityPolicy(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, all []element) {
		for _, e := range all {
			if e.name == "style" || e.name == "script" && e.attrs["src"] == "" {
				t.Errorf("inline <%s>", e.name)
			}
			for name, value := range e.attrs {
				if name == "style" || strings.HasPrefix(name, "on") {
					t.Errorf("<%s %s=%q> is inline", e.name, name, value)
				}
				if strings.HasPrefix(value, "data:") || strings.HasPrefix(value, "javascript:") {
					t.Errorf("<%s %s=%q> contains its content", e.name, name, value)
				}
			}
			for _, name := range []string{"src", "href", "action", "formaction"} {
				if v := e.attrs[name]; v != "" && !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "#") {
					t.Errorf("<%s %s=%q> leaves the server", e.name, name, v)
				}
			}
		}
	})
}

// spans returns the positions of all elements with a name.
func spans(html, name string) [][]int {
	return regexp.MustCompile(`(?s)<`+name+`[\s>].*?</`+name+`>`).FindAllStringIndex(html, -1)
}

func TestPages_EveryControlHasALabel(t *testing.T) {
	everyPage(t, func(t *testing.T, html string, all []element) {
		labelled := map[string]bool{}
		for _, e := range all {
			if e.name == "label" {
				labelled[e.attrs["for"]] = true
			}
		}
		labels := spans(html, "label")
		for _, e := range all {
			if !slices.Contains([]string{"input", "select", "textarea"}, e.name) || e.attrs["type"] == "hidden" {
				continue
			}
			inside := slices.ContainsFunc(labels, func(s []int) bool { return s[0] < e.at && e.at < s[1] })
			if !inside && e.attrs["aria-label"] == "" && (e.attrs["id"] == "" || !labelled[e.attrs["id"]]) {
				t.Errorf("<%s name=%q id=%q> has no label", e.name, e.attrs["name"], e.attrs["id"])
			}
		}
	})
}

func TestPages_EveryButtonAndLinkHasAName(t *testing.T) {
	everyPage(t, func(t *testing.T, html string, _ []element) {
		for _, name := range []string{"button", "a"} {
			for _, s := range spans(html, name) {
				part := html[s[0]:s[1]]
				words := strings.TrimSpace(anyTag.ReplaceAllString(strings.ReplaceAll(part, "</", "<x"), ""))
				if words == "" && !strings.Contains(part[:strings.Index(part, ">")], "aria-label=") {
					t.Errorf("nothing names %s", part)
				}
			}
		}
	})
}

func TestPages_EveryTimeElementHasAUTCInstant(t *testing.T) {
	instant := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	everyPage(t, func(t *testing.T, _ string, all []element) {
		for _, e := range all {
			if e.name == "time" && !instant.MatchString(e.attrs["datetime"]) {
				t.Errorf("<time datetime=%q>", e.attrs["datetime"])
			}
			if e.name == "time" && strings.HasPrefix(e.attrs["datetime"], "0001") {
				t.Errorf("a time that is not known is shown")
			}
		}
	})
}

func TestPages_ReferencesResolveAndIDsAreUnique(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, all []element) {
		ids := map[string]int{}
		for _, e := range all {
			if e.has("id") {
				ids[e.attrs["id"]]++
			}
		}
		for id, n := range ids {
			if n > 1 || id == "" {
				t.Errorf("id %q occurs %d times", id, n)
			}
		}
		for _, e := range all {
			for _, name := range []string{"for", "aria-describedby", "aria-labelledby", "popovertarget", "commandfor", "form", "list", "data-copy", "data-fill", "data-reveal"} {
				for _, id := range strings.Fields(e.attrs[name]) {
					if ids[strings.TrimPrefix(id, "#")] == 0 {
						t.Errorf("<%s %s=%q> refers to no element", e.name, name, id)
					}
				}
			}
		}
	})
}

func TestPages_HaveOneTitleOneHeadingAndNamedLandmarks(t *testing.T) {
	everyPage(t, func(t *testing.T, _ string, all []element) {
		count := map[string]int{}
		for _, e := range all {
			count[e.name]++
			if (e.name == "nav" || e.name == "aside") && e.attrs["aria-label"] == "" {
				t.Errorf("a <%s> has no name", e.name)
			}
			if e.name == "form" && e.attrs["method"] == "" {
				t.Errorf("a form has no method")
			}
			if e.name == "svg" && e.attrs["role"] == "img" && e.attrs["aria-label"] == "" {
				t.Errorf("a picture has no words")
			}
		}
		for _, name := range []string{"h1", "main", "html"} {
			if count[name] != 1 {
				t.Errorf("%d <%s>; want 1", count[name], name)
			}
		}
	})
}

func TestPages_EveryIconAndClassExists(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("../static/assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	sprite, style := read("icons.svg"), read("style.css")
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`\.([a-z][-a-z0-9]*)`).FindAllStringSubmatch(style, -1) {
		known[m[1]] = true
	}
	// Classes for the script, without a style.
	for _, silent := range []string{"h-now", "before-waiting", "first"} {
		known[silent] = true
	}
	everyPage(t, func(t *testing.T, _ string, all []element) {
		onPage := map[string]bool{}
		for _, e := range all {
			onPage[e.attrs["id"]] = true
		}
		for _, e := range all {
			if e.name == "use" {
				file, id, _ := strings.Cut(e.attrs["href"], "#")
				if file == "" && !onPage[id] || file != "" && !strings.Contains(sprite, `id="`+id+`"`) {
					t.Errorf("no icon %q", id)
				}
			}
			for _, class := range strings.Fields(e.attrs["class"]) {
				if !known[class] {
					t.Errorf("<%s class=%q> is not in the stylesheet", e.name, class)
				}
			}
		}
	})
}

func TestPages_HaveNoSpaceBeforePunctuation(t *testing.T) {
	gap := regexp.MustCompile(`[\pL\d>] (<[^>]*>)?[,.;:]( |$)`)
	everyPage(t, func(t *testing.T, html string, _ []element) {
		html = regexp.MustCompile(`(?s)<pre.*?</pre>`).ReplaceAllString(html, "")
		flat := regexp.MustCompile(`</?(b|em|a|code|span|time)( [^>]*)?>`).ReplaceAllString(html, "")
		for _, m := range textOf.FindAllStringSubmatch(flat, -1) {
			if gap.MatchString(m[1]) {
				t.Errorf("%q", m[1])
			}
		}
	})
}

func TestPages_SameDataGivesTheSameBytes(t *testing.T) {
	first, second := examples(), examples()
	for i := range first {
		if render(t, first[i].page) != render(t, second[i].page) {
			t.Errorf("%s differs when rendered again", first[i].name)
		}
	}
}
