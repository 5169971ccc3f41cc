package manage_test

import (
	"errors"
	"testing"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

func TestChangeChannel_RejectsSettingsThatThisServerCannotUse(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, a := newService(t, open(), manage.Options{CheckHere: func(kind string, set setting.Values) []setting.Problem {
			if kind == "exec" && set.List("command")[0] != "allowed" {
				return []setting.Problem{{Field: "command", Text: "Start the server with --exec-dir DIR."}}
			}
			return nil
		}})
		edit := func(program string) manage.ChannelEdit {
			return manage.ChannelEdit{Kind: new("exec"), Name: new("run"), Settings: map[string]any{"command": []any{program}}}
		}
		rejected := func(err error) {
			t.Helper()
			if faults, ok := errors.AsType[monitor.Faults](err); !ok || len(faults) != 1 || faults[0].Field != "settings.command" {
				t.Errorf("%v; want a fault of settings.command", err)
			}
		}
		_, err := d.CreateChannel(t.Context(), a, edit("sh"))
		rejected(err)
		c, err := d.CreateChannel(t.Context(), a, edit("allowed"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.ChangeChannel(t.Context(), a, c.ID, edit("sh"))
		rejected(err)
		if _, err := d.ChangeChannel(t.Context(), a, c.ID, manage.ChannelEdit{Name: new("renamed")}); err != nil {
			t.Errorf("a rename: %v", err)
		}
	})
}
