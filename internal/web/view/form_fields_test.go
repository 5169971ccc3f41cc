package view_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// formFields has the fields that the forms of all pages send, by method and address, with
// * in place of ids. It is the contract with the handlers: a field that is
// renamed here must be renamed there.
var formFields = map[string]string{
	"GET /audit":                        "q",
	"GET /channels":                     "kind",
	"GET /docs/first-heartbeat":         "heartbeat",
	"GET /docs/search":                  "q",
	"GET /heartbeats":                   "q status tag",
	"GET /incidents":                    "cause q",
	"GET /policies/*":                   "look try_at try_heartbeat",
	"POST /account":                     "name version",
	"POST /account/password":            "email new_password old_password",
	"POST /account/sessions/*/end":      "",
	"POST /account/sessions/others":     "email password",
	"POST /account/zone":                "timezone",
	"POST /acknowledge/*":               "note",
	"POST /api-keys":                    "name read_only",
	"POST /api-keys/*/revoke":           "",
	"POST /channels":                    "channel kind name notify_on_late notify_on_recovery remind_every settings.mention settings.url",
	"POST /channels/*":                  "channel kind name notify_on_late notify_on_recovery remind_every settings.headers settings.insecure settings.secret settings.url",
	"POST /channels/*/delete":           "confirm",
	"POST /channels/*/test":             "",
	"POST /channels/*/retry":            "",
	"POST /channels/test":               "",
	"POST /docs/feedback":               "comment helpful page",
	"POST /heartbeats":                  "alert_after at channel channels cron cron_timezone description early expect_first_by grace instances interval look manual_resume max_run_time methods min_run_time name oncalendar oncalendar_timezone preset schedule start_grace tags",
	"POST /heartbeats/*":                "alert_after at channel channels cron cron_timezone description early expect_first_by grace instances interval look manual_resume max_run_time methods min_run_time name oncalendar oncalendar_timezone preset schedule start_grace tags take.tags version",
	"POST /heartbeats/*/delete":         "confirm",
	"POST /heartbeats/*/mute":           "length quiet",
	"POST /heartbeats/*/pause":          "",
	"POST /heartbeats/*/resume":         "",
	"POST /heartbeats/bulk":             "back channel confirm do grace id quiet severity tag",
	"POST /incidents/acknowledge":       "id quiet",
	"POST /incidents/snooze":            "",
	"POST /incidents/*/snooze":          "length quiet",
	"POST /incidents/*/acknowledge":     "note",
	"POST /incidents/*/notes":           "note",
	"POST /invitations/*":               "email name password",
	"POST /policies/*":                  "after.1 after.2 channel.0 channel.1 channel.2 do look name policy repeat shown slug steps try_at try_heartbeat version",
	"POST /policies/*/default":          "default",
	"POST /policies/*/delete":           "confirm",
	"POST /projects":                    "name timezone",
	"POST /projects/*/choose":           "",
	"POST /projects/*/delete":           "confirm",
	"POST /resume":                      "held_form",
	"POST /settings":                    "name timezone",
	"POST /setup":                       "email name password project timezone token",
	"POST /sign-in":                     "email keep next password",
	"POST /sign-out":                    "",
	"POST /team/*/remove":               "",
	"POST /team/*/role":                 "role shown version",
	"POST /team/invitations":            "email role",
	"POST /team/invitations/*/withdraw": "",
}

var anID = regexp.MustCompile(`^(/(?:heartbeats|incidents|channels|policies|projects|team/invitations|team|invitations|api-keys|account/sessions|acknowledge))/[^/]+(/.*)?$`)

// address returns the path of a form with * in place of ids.
func address(path string) string {
	path, _, _ = strings.Cut(path, "#")
	for _, fixed := range []string{"/heartbeats/bulk", "/channels/test", "/account/sessions/others", "/team/invitations", "/incidents/acknowledge", "/incidents/snooze"} {
		if path == fixed {
			return path
		}
	}
	return anID.ReplaceAllString(path, "$1/*$2")
}

// forms returns the fields that the forms of all example pages send.
func forms(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]map[string]bool{}
	add := func(method, action, field string) {
		key := strings.ToUpper(method) + " " + address(action)
		if found[key] == nil {
			found[key] = map[string]bool{}
		}
		if field != "" {
			found[key][field] = true
		}
	}
	for _, e := range examples() {
		html := render(t, e.page)
		for _, s := range spans(html, "form") {
			all := elements(html[s[0]:s[1]])
			method, action := all[0].attrs["method"], all[0].attrs["action"]
			add(method, action, "")
			for _, field := range all {
				if !field.has("form") { // it belongs to another form
					add(method, action, field.attrs["name"])
				}
				if other := field.attrs["formaction"]; other != "" {
					add(method, other, "")
				}
			}
		}
	}
	flat := map[string]string{}
	for key, fields := range found {
		names := []string{}
		for name := range fields {
			names = append(names, name)
		}
		slices.Sort(names)
		flat[key] = strings.Join(names, " ")
	}
	return flat
}

func TestPages_FormsSendTheFieldsThatHandlersRead(t *testing.T) {
	if diff := cmp.Diff(formFields, forms(t)); diff != "" {
		t.Errorf("forms (-want +got):\n%s", diff)
	}
}
