package httpd_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/httpd"
	"overdue/internal/monitor"
)

func TestProblemOf_EveryFaultHasItsStatus(t *testing.T) {
	in := func(field string) string { return "body." + field }
	for want, kind := range map[int]monitor.FaultKind{
		422: monitor.Invalid, 404: monitor.NotFound, 403: monitor.Forbidden, 409: monitor.Conflict, 429: monitor.RateLimited,
	} {
		p, theirs := httpd.ProblemOf(fmt.Errorf("change: %w", monitor.Faultf(kind, "", "No.")), in)
		if !theirs || p.Status != want || p.Detail != "No." || p.Errors != nil {
			t.Errorf("%d: %+v, %t", want, p, theirs)
		}
		if after := p.GetHeaders().Get("Retry-After"); (after != "") != (want == 429) {
			t.Errorf("%d: Retry-After %q", want, after)
		}
	}
	both := monitor.Faults{monitor.Faultf(monitor.Invalid, "name", "Write a name."), monitor.Faultf(monitor.Invalid, "", "And more.")}
	p, theirs := httpd.ProblemOf(both, in)
	want := []httpd.FieldProblem{{Location: "body.name", Message: "Write a name."}}
	if diff := cmp.Diff(want, p.Errors); !theirs || diff != "" || p.Status != 422 || p.Detail != "Write a name." {
		t.Error(p, diff)
	}
	own := httpd.NewProblem(418, "Tea.")
	if p, theirs := httpd.ProblemOf(own, in); p != own || !theirs {
		t.Error(p, theirs)
	}
	for _, ours := range []error{errors.New("disk"), monitor.Faults{}} {
		if p, theirs := httpd.ProblemOf(ours, in); theirs {
			t.Errorf("%v has a problem for the client: %+v", ours, p)
		}
	}
}

func TestWrite_WritesHeadersAndRequestID(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Request-Id", "abc")
	w := httptest.NewRecorder()
	httpd.NewProblem(503, "Away <now>.").RetryAfter(1500*time.Millisecond).Write(w, r)
	want := `{"title":"Service Unavailable","status":503,"detail":"Away \u003cnow\u003e.","request_id":"abc"}` + "\n"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	if w.Code != 503 || w.Header().Get("Retry-After") != "2" || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if after := httpd.Unavailable().GetHeaders().Get("Retry-After"); after == "" {
		t.Error("away for how long?")
	}
	if after := httpd.NewProblem(429, "").RetryAfter(0).GetHeaders().Get("Retry-After"); after != "1" {
		t.Errorf("Retry-After %s asks to hurry", after)
	}
}
