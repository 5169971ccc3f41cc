package web

import (
	"bytes"
	"net/url"
	"slices"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"overdue/internal/web/view"
)

// piece is a token of a page with the bytes that it was written as.
type piece struct {
	html.Token
	raw  []byte
	form int // number of the form that it is in, 0 for none
}

// fill writes what was typed into the forms of a page that are sent to an
// address, and reports whether there is one that can be seen. All other bytes of
// the page stay as they are.
func fill(page []byte, action string, typed url.Values) ([]byte, bool) {
	pieces, wanted := formsOf(page, action)
	if len(wanted) == 0 {
		return page, false
	}
	f := filler{typed: url.Values{}}
	for name, values := range typed {
		f.typed[name] = slices.Clone(values)
	}
	for _, p := range pieces {
		if wanted[p.form] {
			f.piece(p)
		} else {
			f.out.Write(p.raw)
		}
	}
	return f.out.Bytes(), true
}

// formsOf tokenizes a page and finds the forms that are sent to an address.
// Forms in a dialog or in a menu are passed over: they cannot be seen.
func formsOf(page []byte, action string) (pieces []piece, wanted map[int]bool) {
	z := html.NewTokenizer(bytes.NewReader(page))
	wanted = map[int]bool{}
	forms, current, hidden := 0, 0, closed{}
	for {
		if z.Next() == html.ErrorToken {
			return pieces, wanted
		}
		raw := slices.Clone(z.Raw())
		t := z.Token()
		hidden.see(t)
		if t.Type == html.StartTagToken && t.DataAtom == atom.Form {
			forms++
			current = forms
			if attr(t, "method") == "post" && attr(t, "action") == action && !hidden.inside() {
				wanted[current] = true
			}
		}
		if t.Type == html.StartTagToken && t.DataAtom == atom.Button && attr(t, "formaction") == action && !hidden.inside() && current > 0 {
			wanted[current] = true
		}
		pieces = append(pieces, piece{Token: t, raw: raw, form: current})
		if t.Type == html.EndTagToken && t.DataAtom == atom.Form {
			current = 0
		}
	}
}

// closed follows the elements that are not open when a page is loaded.
type closed struct {
	tag   atom.Atom
	depth int
}

// see processes the next token.
func (c *closed) see(t html.Token) {
	switch {
	case t.Type == html.StartTagToken && c.depth == 0 && (t.DataAtom == atom.Dialog || has(t, "popover") && attr(t, "id") != "nav"):
		c.tag, c.depth = t.DataAtom, 1
	case c.depth > 0 && t.DataAtom == c.tag && t.Type == html.StartTagToken:
		c.depth++
	case c.depth > 0 && t.DataAtom == c.tag && t.Type == html.EndTagToken:
		c.depth--
	}
}

// inside reports whether the last token is in such an element.
func (c *closed) inside() bool { return c.depth > 0 }

// filler writes a form with what was typed.
type filler struct {
	out    bytes.Buffer
	typed  url.Values // what is left of it
	skip   bool       // the old text of a text area
	choice string     // name of the list that is open
}

// piece writes one piece of the form.
func (f *filler) piece(p piece) {
	t := p.Token
	switch {
	case f.skip && t.Type == html.TextToken:
	case t.DataAtom == atom.Textarea && t.Type == html.StartTagToken:
		f.out.Write(p.raw)
		// The first line break after the tag is no part of the text.
		f.out.WriteString("\n" + html.EscapeString(f.next(attr(t, "name"))))
		f.skip = true
	case t.DataAtom == atom.Textarea:
		f.skip = false
		f.out.Write(p.raw)
	case t.DataAtom == atom.Select:
		f.choice = attr(t, "name") // none on its end
		f.out.Write(p.raw)
	case t.DataAtom == atom.Option && t.Type == html.StartTagToken && f.choice != "" && f.typed.Has(f.choice):
		f.write(set(t, "selected", slices.Contains(f.typed[f.choice], attr(t, "value"))))
	case t.DataAtom == atom.Details && t.Type == html.StartTagToken:
		f.write(set(t, "open", true)) // what was typed must be seen
	case t.DataAtom == atom.Input:
		f.input(p)
	default:
		f.out.Write(p.raw)
	}
}

// input writes a control of one line, or a box to tick.
func (f *filler) input(p piece) {
	name := attr(p.Token, "name")
	switch kind := attr(p.Token, "type"); {
	case name == "" || has(p.Token, "disabled") || has(p.Token, "readonly"):
		f.out.Write(p.raw)
	case kind == "checkbox" || kind == "radio":
		f.write(set(p.Token, "checked", slices.Contains(f.typed[name], valueOf(p.Token))))
	case kind == "hidden" && !slices.Contains(carried, name), kind == "password", kind == "file", !f.typed.Has(name):
		f.out.Write(p.raw)
	default:
		t := set(p.Token, "value", true)
		for i := range t.Attr {
			if t.Attr[i].Key == "value" {
				t.Attr[i].Val = f.next(name)
			}
		}
		f.write(t)
	}
}

// carried are hidden fields that hold what was shown when the form was opened,
// and so come back as they were.
var carried = []string{view.VersionField, view.ShownField}

// next is the next value of a field.
func (f *filler) next(name string) string {
	values := f.typed[name]
	if len(values) == 0 {
		return ""
	}
	f.typed[name] = values[1:]
	return values[0]
}

// write writes a token that was changed.
func (f *filler) write(t html.Token) { f.out.WriteString(t.String()) }

// attr returns an attribute of a token, or "".
func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// has reports whether a token has an attribute.
func has(t html.Token, name string) bool {
	return slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// valueOf returns the value that a ticked checkbox sends.
func valueOf(t html.Token) string {
	if has(t, "value") {
		return attr(t, "value")
	}
	return "on"
}

// set returns a token with an attribute, or without it.
func set(t html.Token, name string, on bool) html.Token {
	if on && has(t, name) {
		return t
	}
	t.Attr = slices.DeleteFunc(slices.Clone(t.Attr), func(a html.Attribute) bool { return a.Key == name })
	if on {
		t.Attr = append(t.Attr, html.Attribute{Key: name})
	}
	return t
}

// afterMain inserts a note at the beginning of the main element.
func afterMain(page, note []byte) []byte {
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
