package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

// Input is the value of a form control, with its error.
type Input struct {
	Value string
	Error string // a sentence for the reader; empty if the value is valid

	Suggestions []Option // values to use instead; Value holds form fields, URL-encoded
}

// SuggestionField is the name of the buttons that fill in a suggestion.
const SuggestionField = "use"

// Control is one form control with its label, hint, error and constraints.
type Control struct {
	ID, Name, Label  string
	In               Input
	Hint             string
	Type             string // of the input element; empty means text
	Rows             int    // of a text area; 0 means an input element
	Class            string // in addition to "input"
	Placeholder      string
	Autocomplete     string
	DataList         string // id of a datalist
	Required         bool
	AutoFocus        bool
	Optional         bool // shows "optional" next to the label
	HideLabel        bool
	MinLength        int
	MaxLength        int
	Min              int  // of a number; 0 means no minimum
	Verbatim         bool // no spell check, no automatic capitals
	KeepErrorElement bool // the page contains an empty error element, which a preview can fill
}

func (c Control) ErrorID() string { return c.ID + "-e" }

func (c Control) HintID() string { return c.ID + "-h" }

func (c Control) useID() string { return c.ID + "-u" }

// attrs returns the attributes of the input element or text area.
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
	if c.AutoFocus {
		a["autofocus"] = true
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

// describedBy returns the ids for aria-describedby. Screen readers read the error
// before the hint.
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

// labelClass returns the class of the label. A hidden label is invisible, but
// screen readers still read it.
func (c Control) labelClass() templ.Attributes {
	if c.HideLabel {
		return templ.Attributes{"class": "vh"}
	}
	return templ.Attributes{"class": "label"}
}

// Option is one option of a list. As a hidden field, Label is its name.
type Option struct {
	Value, Label string
}
