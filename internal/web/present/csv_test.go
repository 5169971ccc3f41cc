package present

import (
	"testing"
)

func TestEscapeFormula_NoCellBeginsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "|a": "'|a", "%a": "'%a", "\t=1": "'\t=1",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a", "": "", "a=1": "a=1", "\xff": "\xff",
	} {
		if got := escapeFormula(cell); got != want {
			t.Errorf("escapeFormula(%q) = %q; want %q", cell, got, want)
		}
	}
}
