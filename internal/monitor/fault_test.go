package monitor

import (
	"errors"
	"fmt"
	"testing"
)

func TestAFaultIsFoundBehindWrapping(t *testing.T) {
	err := fmt.Errorf("create heartbeat: %w", Wrong(Conflict, "slug", "%q is taken.", "backup"))
	fault, ok := errors.AsType[*Fault](err)
	if !ok || fault.Kind != Conflict || fault.Field != "slug" || fault.Error() != `"backup" is taken.` {
		t.Errorf("%#v, %v", fault, ok)
	}
}

func TestFaultsSpeakWithTheFirst(t *testing.T) {
	faults := Faults{Wrong(Invalid, "name", "A name is needed."), Wrong(Invalid, "grace", "Too long.")}
	if got := faults.Error(); got != "A name is needed." {
		t.Errorf("%q", got)
	}
	if got := (Faults{}).Error(); got == "" {
		t.Error("no faults say nothing at all")
	}
}
