package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

// labelled names an element by another, or leaves the attribute out.
func labelled(id string) templ.Attributes {
	if id == "" {
		return nil
	}
	return templ.Attributes{"aria-labelledby": id}
}

func pressed(is bool) string { return strconv.FormatBool(is) }

// AriaCurrent is the value of aria-current, which must be absent when false.
func AriaCurrent(is bool, value string) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": value}
}
