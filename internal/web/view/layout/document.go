package layout

import (
	"strconv"

	"github.com/a-h/templ"
)

// themes has the three options of the theme switch.
var themes = []struct{ value, icon, words string }{
	{"auto", "auto", "Match the system"},
	{"light", "sun", "Light"},
	{"dark", "moon", "Dark"},
}

// themeAttr returns the value of data-theme. The theme comes from a cookie, so
// unknown values are dropped.
func themeAttr(theme string) string {
	if theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}

func themePressed(theme, value string) string {
	chosen := themeAttr(theme)
	if chosen == "" {
		chosen = "auto"
	}
	return strconv.FormatBool(chosen == value)
}

// themeAttrs returns the attribute data-theme. The server renders it because a
// theme set by script would flash.
func themeAttrs(theme string) templ.Attributes {
	if t := themeAttr(theme); t != "" {
		return templ.Attributes{"data-theme": t}
	}
	return nil
}
