package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

// labelled returns the attribute aria-labelledby, or none if the id is empty.
func labelled(id string) templ.Attributes {
	if id == "" {
		return nil
	}
	return templ.Attributes{"aria-labelledby": id}
}

// Pressed returns the value of aria-pressed.
func Pressed(is bool) string { return strconv.FormatBool(is) }

// AriaCurrent returns the attribute aria-current, or none if the element is not
// the current one.
func AriaCurrent(is bool, value string) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": value}
}
