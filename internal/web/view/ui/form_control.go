package ui

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

// Control is one labelled control with everything that is said about it.
type Control struct {
	ID, Name, Label  string
	In               Input
	Hint             string
	Type             string // type of the input; empty for text
	Rows             int    // above 0: a text area
	Class            string // besides "input"
	Placeholder      string
	Autocomplete     string
	DataList         string // id of a datalist
	Required         bool
	Optional         bool // says so beside the label
	HideLabel        bool
	MinLength        int
	MaxLength        int
	Min              int  // of a number; 0: any
	Verbatim         bool // neither spelling nor capitals are anybody's business
	KeepErrorElement bool // the error is always in the page, so that a preview can fill it
}

func (c Control) ErrorID() string { return c.ID + "-e" }

func (c Control) HintID() string { return c.ID + "-h" }

func (c Control) useID() string { return c.ID + "-u" }

// attrs are the attributes of the control itself.
func (c Control) attrs() templ.Attributes {
	a := templ.Attributes{"id": c.ID, "name": c.Name, "class": c.classes()}
	set := func(name, value string) {
		if value != "" {
			a[name] = value
		}
	}
	set("placeholder", c.Placeholder)
	set("autocomplete", c.Autocomplete)
	set("list", c.DataList)
	set("aria-describedby", c.describedBy())
	if c.Required {
		a["required"] = true
	}
	if c.MinLength > 0 {
		a["minlength"] = strconv.Itoa(c.MinLength)
	}
	if c.MaxLength > 0 {
		a["maxlength"] = strconv.Itoa(c.MaxLength)
	}
	if c.Verbatim {
		a["spellcheck"], a["autocapitalize"] = "false", "off"
	}
	if c.Min > 0 {
		a["min"] = strconv.Itoa(c.Min)
	}
	if c.In.Error != "" {
		a["aria-invalid"] = "true"
	}
	if c.Rows > 0 {
		a["rows"] = strconv.Itoa(c.Rows)
		return a
	}
	a["type"] = "text"
	set("type", c.Type)
	a["value"] = c.In.Value
	return a
}

func (c Control) classes() string {
	if c.Class == "" {
		return "input"
	}
	return "input " + c.Class
}

// describedBy names the error before the hint: it is read first.
func (c Control) describedBy() string {
	ids := ""
	if c.In.Error != "" || c.KeepErrorElement {
		ids = c.ErrorID()
	}
	if c.Hint != "" {
		if ids != "" {
			ids += " "
		}
		ids += c.HintID()
	}
	return ids
}

// labelClass hides a label from the eye only: it is still read aloud.
func (c Control) labelClass() templ.Attributes {
	if c.HideLabel {
		return templ.Attributes{"class": "vh"}
	}
	return templ.Attributes{"class": "label"}
}

// Option is one entry of a list of options.
type Option struct {
	Value, Label string
}
