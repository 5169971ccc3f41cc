package forms

import (
	"bytes"
	"net/url"
	"slices"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"overdue/internal/web/view/ui"
)

// htmlToken is a token of a page with its original bytes.
type htmlToken struct {
	html.Token
	raw  []byte
	form int // number of its form; 0: none
}

// FillForm writes typed values into the forms of a page that are sent to an
// address. It returns false if no such form is visible. All other bytes of the page
// stay the same.
func FillForm(page []byte, action string, typed url.Values) ([]byte, bool) {
	pieces, wanted := findForms(page, action)
	if len(wanted) == 0 {
		return page, false
	}
	f := formFiller{values: url.Values{}}
	for name, values := range typed {
		f.values[name] = slices.Clone(values)
	}
	for _, p := range pieces {
		if wanted[p.form] {
			f.writeToken(p)
		} else {
			f.out.Write(p.raw)
		}
	}
	return f.out.Bytes(), true
}

// findForms tokenizes a page and finds the forms that are sent to an address. It
// ignores forms in dialogs and menus, which are not visible.
func findForms(page []byte, action string) (pieces []htmlToken, wanted map[int]bool) {
	z := html.NewTokenizer(bytes.NewReader(page))
	wanted = map[int]bool{}
	forms, current, hidden := 0, 0, hiddenElement{}
	for {
		if z.Next() == html.ErrorToken {
			return pieces, wanted
		}
		raw := slices.Clone(z.Raw())
		t := z.Token()
		hidden.track(t)
		if t.Type == html.StartTagToken && t.DataAtom == atom.Form {
			forms++
			current = forms
			if attribute(t, "method") == "post" && attribute(t, "action") == action && !hidden.inside() {
				wanted[current] = true
			}
		}
		if t.Type == html.StartTagToken && t.DataAtom == atom.Button && attribute(t, "formaction") == action && !hidden.inside() && current > 0 {
			wanted[current] = true
		}
		pieces = append(pieces, htmlToken{Token: t, raw: raw, form: current})
		if t.Type == html.EndTagToken && t.DataAtom == atom.Form {
			current = 0
		}
	}
}

// hiddenElement tracks elements that are closed when a page is loaded.
type hiddenElement struct {
	tag   atom.Atom
	depth int
}

// track processes the next token.
func (c *hiddenElement) track(t html.Token) {
	switch {
	case t.Type == html.StartTagToken && c.depth == 0 && (t.DataAtom == atom.Dialog || hasAttribute(t, "popover") && attribute(t, "id") != "nav"):
		c.tag, c.depth = t.DataAtom, 1
	case c.depth > 0 && t.DataAtom == c.tag && t.Type == html.StartTagToken:
		c.depth++
	case c.depth > 0 && t.DataAtom == c.tag && t.Type == html.EndTagToken:
		c.depth--
	}
}

// inside reports whether the last token is in such an element.
func (c *hiddenElement) inside() bool { return c.depth > 0 }

// formFiller writes a form with typed values.
type formFiller struct {
	out        bytes.Buffer
	values     url.Values // not written yet
	skipText   bool       // the old text of a text area follows
	selectName string     // name of the open select element
}

// writeToken writes one token of the form.
func (f *formFiller) writeToken(p htmlToken) {
	t := p.Token
	switch {
	case f.skipText && t.Type == html.TextToken:
	case t.DataAtom == atom.Textarea && t.Type == html.StartTagToken:
		f.out.Write(p.raw)
		// HTML ignores the first line break after the tag.
		f.out.WriteString("\n" + html.EscapeString(f.nextValue(attribute(t, "name"))))
		f.skipText = true
	case t.DataAtom == atom.Textarea:
		f.skipText = false
		f.out.Write(p.raw)
	case t.DataAtom == atom.Select:
		f.selectName = attribute(t, "name") // "" for the end tag
		f.out.Write(p.raw)
	case t.DataAtom == atom.Option && t.Type == html.StartTagToken && f.selectName != "" && f.values.Has(f.selectName):
		f.write(withAttribute(t, "selected", slices.Contains(f.values[f.selectName], attribute(t, "value"))))
	case t.DataAtom == atom.Details && t.Type == html.StartTagToken:
		f.write(withAttribute(t, "open", true)) // typed values must be visible
	case t.DataAtom == atom.Input:
		f.writeInput(p)
	default:
		f.out.Write(p.raw)
	}
}

// writeInput writes an input element.
func (f *formFiller) writeInput(p htmlToken) {
	name := attribute(p.Token, "name")
	switch kind := attribute(p.Token, "type"); {
	case name == "" || hasAttribute(p.Token, "disabled") || hasAttribute(p.Token, "readonly"):
		f.out.Write(p.raw)
	case kind == "checkbox" || kind == "radio":
		f.write(withAttribute(p.Token, "checked", slices.Contains(f.values[name], checkboxValue(p.Token))))
	case kind == "hidden" && !slices.Contains(carriedFields, name), kind == "password", kind == "file", !f.values.Has(name):
		f.out.Write(p.raw)
	default:
		t := withAttribute(p.Token, "value", true)
		for i := range t.Attr {
			if t.Attr[i].Key == "value" {
				t.Attr[i].Val = f.nextValue(name)
			}
		}
		f.write(t)
	}
}

// carriedFields are hidden fields whose values describe the state when the form was
// opened, so they are restored too.
var carriedFields = []string{ui.VersionField, ui.OriginalValuesField}

// nextValue returns the next value of a field.
func (f *formFiller) nextValue(name string) string {
	values := f.values[name]
	if len(values) == 0 {
		return ""
	}
	f.values[name] = values[1:]
	return values[0]
}

// write writes a changed token.
func (f *formFiller) write(t html.Token) { f.out.WriteString(t.String()) }

// attribute returns an attribute of a token, or "".
func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// hasAttribute reports whether a token has an attribute.
func hasAttribute(t html.Token, name string) bool {
	return slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// checkboxValue returns the value that a checked checkbox sends.
func checkboxValue(t html.Token) string {
	if hasAttribute(t, "value") {
		return attribute(t, "value")
	}
	return "on"
}

// withAttribute returns a token with or without an attribute.
func withAttribute(t html.Token, name string, on bool) html.Token {
	if on && hasAttribute(t, name) {
		return t
	}
	t.Attr = slices.DeleteFunc(slices.Clone(t.Attr), func(a html.Attribute) bool { return a.Key == name })
	if on {
		t.Attr = append(t.Attr, html.Attribute{Key: name})
	}
	return t
}

// InsertIntoMain inserts a note at the beginning of the main element.
func InsertIntoMain(page, note []byte) []byte {
	start := bytes.Index(page, []byte("<main"))
	if start < 0 {
		return page
	}
	end := bytes.IndexByte(page[start:], '>')
	if end < 0 {
		return page
	}
	at := start + end + 1
	return slices.Concat(page[:at], note, page[at:])
}
