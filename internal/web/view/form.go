package view

import (
	"strconv"

	"github.com/a-h/templ"
)

// Input is what a person wrote into a control, and what is wrong with it.
type Input struct {
	Value string
	Error string // a sentence for that person; empty when there is nothing to say

	Suggestions []Option // what to use instead: the form values of each, URL-encoded
}

// SuggestionField is the name of the buttons that fill in what is suggested.
const SuggestionField = "use"

// control is one labelled control with everything that is said about it.
type control struct {
	id, name, label string
	in              Input
	hint            string
	kind            string // type of the input; empty for text
	rows            int    // above 0: a text area
	class           string // besides "input"
	placeholder     string
	autocomplete    string
	list            string // id of a datalist
	required        bool
	optional        bool // says so beside the label
	hiddenLabel     bool
	shortest        int
	longest         int
	least           int  // of a number; 0: any
	verbatim        bool // neither spelling nor capitals are anybody's business
	keepsError      bool // the error is always in the page, so that a preview can fill it
}

func (c control) errorID() string { return c.id + "-e" }
func (c control) hintID() string  { return c.id + "-h" }
func (c control) useID() string   { return c.id + "-u" }

// attrs are the attributes of the control itself.
func (c control) attrs() templ.Attributes {
	a := templ.Attributes{"id": c.id, "name": c.name, "class": c.classes()}
	set := func(name, value string) {
		if value != "" {
			a[name] = value
		}
	}
	set("placeholder", c.placeholder)
	set("autocomplete", c.autocomplete)
	set("list", c.list)
	set("aria-describedby", c.describedBy())
	if c.required {
		a["required"] = true
	}
	if c.shortest > 0 {
		a["minlength"] = strconv.Itoa(c.shortest)
	}
	if c.longest > 0 {
		a["maxlength"] = strconv.Itoa(c.longest)
	}
	if c.verbatim {
		a["spellcheck"], a["autocapitalize"] = "false", "off"
	}
	if c.least > 0 {
		a["min"] = strconv.Itoa(c.least)
	}
	if c.in.Error != "" {
		a["aria-invalid"] = "true"
	}
	if c.rows > 0 {
		a["rows"] = strconv.Itoa(c.rows)
		return a
	}
	a["type"] = "text"
	set("type", c.kind)
	a["value"] = c.in.Value
	return a
}

func (c control) classes() string {
	if c.class == "" {
		return "input"
	}
	return "input " + c.class
}

// describedBy names the error before the hint: it is read first.
func (c control) describedBy() string {
	ids := ""
	if c.in.Error != "" || c.keepsError {
		ids = c.errorID()
	}
	if c.hint != "" {
		if ids != "" {
			ids += " "
		}
		ids += c.hintID()
	}
	return ids
}

// labelClass hides a label from the eye only: it is still read aloud.
func (c control) labelClass() templ.Attributes {
	if c.hiddenLabel {
		return templ.Attributes{"class": "vh"}
	}
	return templ.Attributes{"class": "label"}
}

// labelled names an element by another, or leaves the attribute out.
func labelled(id string) templ.Attributes {
	if id == "" {
		return nil
	}
	return templ.Attributes{"aria-labelledby": id}
}

// Option is one entry of a list of options.
type Option struct {
	Value, Label string
}

func pressed(is bool) string { return strconv.FormatBool(is) }
