package present

import (
	"testing"
)

func TestEscapeFormula_NoCellBeginsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "|a": "'|a", "%a": "'%a", "\t=1": "'\t'=1",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a", "": "", "a=1": "a=1", "\xff": "\xff",
		"x;=1;": "x;'=1;", ";;-1\t@a": ";;'-1\t'@a", "Mozilla/5.0 (X11; a=1)": "Mozilla/5.0 (X11; a=1)",
	} {
		if got := escapeFormula(cell); got != want {
			t.Errorf("escapeFormula(%q) = %q; want %q", cell, got, want)
		}
	}
}
