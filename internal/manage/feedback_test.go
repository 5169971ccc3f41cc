package manage_test

import (
	"errors"
	"strings"
	"testing"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

func TestFeedback_AnyoneMayAddAndOnlyOwnersMayRead(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, owner := newService(t, open(), manage.Options{})
		if err := d.AddFeedback(t.Context(), auth.Actor{}, "statuses", true, "  fine\n"); err != nil {
			t.Fatal(err)
		}
		told, err := d.Feedback(t.Context(), owner, manage.PageQuery{})
		if err != nil || len(told.Scores) != 1 || told.Scores[0] != (store.FeedbackScore{Page: "statuses", Yes: 1}) {
			t.Fatalf("scores %+v, %v", told.Scores, err)
		}
		if c := told.Comments.Items; len(c) != 1 || c[0].Comment != "fine" || c[0].Person != "" || c[0].Project != 0 || c[0].At.IsZero() {
			t.Errorf("comments %+v", c)
		}
		for _, role := range []auth.Role{0, auth.Viewer, auth.Member, auth.Admin} {
			reader := owner
			reader.Role = role
			if _, err := d.Feedback(t.Context(), reader, manage.PageQuery{}); !hasKind(err, monitor.Forbidden) {
				t.Errorf("role %d reads the answers: %v", role, err)
			}
		}
	})
}

func TestAddFeedback_TheCommentIsBoundedPlainText(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, owner := newService(t, open(), manage.Options{})
		for _, comment := range []string{strings.Repeat("ü", 2001), "a\x00b", "a\x1bb", "\xff"} {
			if err := d.AddFeedback(t.Context(), owner, "statuses", false, comment); !hasKind(err, monitor.Invalid) {
				t.Errorf("%.10q is taken: %v", comment, err)
			}
		}
		if err := d.AddFeedback(t.Context(), owner, "statuses", false, strings.Repeat("ü", 2000)); err != nil {
			t.Error(err)
		}
	})
}

func TestNewestHeartbeats_AreRedactedForViewers(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, owner := newService(t, open(), manage.Options{})
		name, interval := "Backup", "1h"
		made, err := d.CreateHeartbeat(t.Context(), owner, manage.HeartbeatEdit{Name: &name, Interval: &interval})
		if err != nil {
			t.Fatal(err)
		}
		viewer := owner
		viewer.Role = auth.Viewer
		for role, want := range map[auth.Role]string{auth.Viewer: "", auth.Member: made.ID} {
			viewer.Role = role
			list, err := d.NewestHeartbeats(t.Context(), viewer, 5)
			if err != nil || len(list) != 1 || list[0].ID != want || list[0].Ref != made.Ref {
				t.Errorf("%v sees %+v, %v", role, list, err)
			}
		}
		if _, err := d.NewestHeartbeats(t.Context(), auth.Actor{}, 5); !hasKind(err, monitor.Forbidden) {
			t.Errorf("the feedback is not listed: %v", err)
		}
	})
}

// hasKind reports whether an error is a fault of the given kind.
func hasKind(err error, kind monitor.FaultKind) bool {
	if faults, ok := errors.AsType[monitor.Faults](err); ok && len(faults) > 0 {
		return faults[0].Kind == kind
	}
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == kind
}
