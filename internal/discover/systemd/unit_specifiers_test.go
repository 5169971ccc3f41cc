package systemd

import "testing"

func TestExpand_ReplacesSpecifiersOfTheUnitName(t *testing.T) {
	for _, c := range []struct{ unit, value, name, text string }{
		{"copy@home.timer", "copy@%i.service", "copy@home.service", "copy@home.service"},
		{"copy@home-al.timer", "%p-%i-%n-%N-%j", "copy-home-al-copy@home-al.timer-copy@home-al-copy", "copy-home-al-copy@home-al.timer-copy@home-al-copy"},
		{`a-b\x2dc@x-y\x40z.timer`, "%I %P %J %j", "", `x/y@z a/b-c b-c b\x2dc`},
		{"plain-one.timer", "%p|%j|%i|%N", "plain-one|one||plain-one", "plain-one|one||plain-one"},
		{"a.b@1.2.timer", "%N %i", "a.b@1.2 1.2", "a.b@1.2 1.2"},
		{"x.timer", "100%%", "100%", "100%"},
		{"x.timer", "%H", "", ""},
		{"x.timer", "end%", "", ""},
		{`x@\x2.timer`, "%I", "", `\x2`},
	} {
		u := NewUnit(c.unit, false)
		if got, ok := u.Expand(c.value, nameSpecifiers); got != c.name && ok {
			t.Errorf("%s: %q is %q in a name; want %q", c.unit, c.value, got, c.name)
		}
		if got, ok := u.Expand(c.value, TextSpecifiers); ok != (c.text != "") || got != c.text && ok {
			t.Errorf("%s: %q is %q, %v; want %q", c.unit, c.value, got, ok, c.text)
		}
	}
}
