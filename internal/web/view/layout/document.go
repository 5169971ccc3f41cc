package layout

import (
	"strconv"

	"github.com/a-h/templ"
)

// themes are the three choices, with the icon and the words of each.
var themes = []struct{ value, icon, words string }{
	{"auto", "auto", "Match the system"},
	{"light", "sun", "Light"},
	{"dark", "moon", "Dark"},
}

// themeAttr is the value of data-theme; only the two known themes reach the
// page, since the value comes from a cookie.
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

// themeAttrs are the theme as it is drawn by the server, so that nothing flashes.
func themeAttrs(theme string) templ.Attributes {
	if t := themeAttr(theme); t != "" {
		return templ.Attributes{"data-theme": t}
	}
	return nil
}
