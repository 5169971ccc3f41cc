package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"overdue/client"
)

const policyChannels = `{"items":[{"id":"c1","name":"Ops"},{"id":"c2","name":"Phone"},{"id":"c3","name":"On call, EU"},
{"id":"c4","name":"Twice"},{"id":"c5","name":"Twice"}],"next_cursor":null}`

const listedPolicies = `{"items":[
{"id":"p1","name":"Days","slug":"days","default":false,"heartbeats_count":3,"named_by_count":3,"steps":[{"after":0,"channels":["c1","gone"]}],"created_at":"2026-01-02T03:04:05Z"},
{"id":"p2","name":"Nights","slug":"nights","default":true,"heartbeats_count":7,"named_by_count":2,"steps":[{"after":0,"channels":["c1"]},{"after":900,"channels":["c1","c2"],"repeat_every":1800}],"created_at":"2026-01-02T03:04:05Z"},
{"id":"p3","name":"Same","slug":"same","steps":[{"after":0,"channels":["gone"]}]},
{"id":"p4","name":"Same","slug":"same2","steps":[{"after":0,"channels":["c1"]}]}],"next_cursor":null}`

// listedPolicy returns one policy of listedPolicies.
func listedPolicy(t *testing.T, n int) string {
	t.Helper()
	var page struct{ Items []json.RawMessage }
	if err := json.Unmarshal([]byte(listedPolicies), &page); err != nil {
		t.Fatal(err)
	}
	return string(page.Items[n])
}

// newPolicyAPI starts an API that has the policies of listedPolicies.
func newPolicyAPI(t *testing.T) *[]string {
	t.Helper()
	return newFakeAPI(t, map[string]string{
		"GET /channels":      policyChannels,
		"GET /policies":      listedPolicies,
		"GET /policies/p1":   listedPolicy(t, 0),
		"GET /policies/p2":   listedPolicy(t, 1),
		"GET /policies/p3":   listedPolicy(t, 2),
		"POST /policies":     `{"id":"p9","name":"Late","slug":"late","steps":[]}`,
		"PATCH /policies/p1": `{"id":"p1","name":"Days","slug":"days","steps":[]}`,
	})
}

func TestPoliciesList_PrintsTheDefaultFirstWithNamesOfChannels(t *testing.T) {
	newPolicyAPI(t)
	got := runOverdue(backend{}, "policies", "list")
	want := strings.TrimPrefix(`
DEFAULT  NAME    SLUG    HEARTBEATS STEPS                                                                    ID
yes      Nights  nights  7 at the opening: Ops; after 15 min: Ops, Phone; then every 30 min         p2
no       Days    days    3 at the opening: Ops, a deleted channel                                   p1
no       Same    same    0 at the opening: a deleted channel                                        p3
no       Same    same2   0 at the opening: Ops                                                      p4
`, "\n")
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(got.out)); diff != "" || got.code != 0 {
		t.Errorf("%+v (-want +got):\n%s", got, diff)
	}
	var all []client.Policy
	if got := runOverdue(backend{}, "policies", "list", "--json"); json.Unmarshal([]byte(got.out), &all) != nil || len(all) != 4 || all[0].ID != "p2" {
		t.Errorf("--json: %+v", got)
	}
	newFakeAPI(t, map[string]string{"GET /policies": `{"items":[]}`})
	if got := runOverdue(backend{}, "policies", "list", "--json"); got != (commandResult{0, "[]\n", ""}) {
		t.Errorf("no policies: %+v", got)
	}
}

func TestPoliciesShow_PrintsOneLineForEachStep(t *testing.T) {
	newPolicyAPI(t)
	want := strings.TrimPrefix(`
Name           Nights
Slug           nights
Default        yes
Heartbeats     7, of which 2 name it
Step 1         at the opening: Ops
Step 2         after 15 min: Ops, Phone
Repeats        the last step every 30 min
Created (UTC)  2026-01-02 03:04:05
Id             p2
`, "\n")
	for _, name := range []string{"nights", "Nights", "p2"} {
		if got := runOverdue(backend{}, "policies", "show", name); got != (commandResult{0, want, ""}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	got := runOverdue(backend{}, "policies", "show", "days")
	if !strings.Contains(got.out, "no; to change that, run overdue policies edit days --default\nHeartbeats     3, which name it\n") {
		t.Errorf("not the default: %+v", got)
	}
	if got := runOverdue(backend{}, "policies", "show", "same2"); !strings.Contains(got.out, "none, so it has no effect; to change that, run overdue heartbeats edit HEARTBEAT --policy same2\n") {
		t.Errorf("without heartbeats: %+v", got)
	}
}

func TestPolicies_EachCommandSendsTheRequest(t *testing.T) {
	hint := "overdue: policy created; it has no effect until a heartbeat names it, or it is the default: run overdue heartbeats edit HEARTBEAT --policy late, or overdue policies edit late --default\n"
	find := "GET /policies"
	channels := "GET /channels"
	for name, test := range map[string]struct {
		args     []string
		requests []string
		result   commandResult
	}{
		"create": {
			[]string{"create", "--name", "Late", "--step", "0:Ops", "--step", "15m:Ops,Phone,Ops", "--step", "1h:c2", "--repeat", "30m", "--default"},
			[]string{channels, `POST /policies {"name":"Late","default":true,"steps":[{"after":0,"channels":["c1"]},{"after":"15m","channels":["c1","c2"]},{"after":"1h","channels":["c2"],"repeat_every":"30m"}]}`},
			commandResult{0, "late\n", hint},
		},
		"a name with a comma": {
			[]string{"create", "--name", "Late", "--slug", "l", "--step", "0:On call, EU, Phone"},
			[]string{channels, `POST /policies {"name":"Late","slug":"l","steps":[{"after":0,"channels":["c3","c2"]}]}`},
			commandResult{0, "late\n", hint},
		},
		"edit the steps keeps the reminders": {
			[]string{"edit", "Nights", "--step", "0s:Phone"},
			[]string{find, find + "/p2", channels, `PATCH /policies/p2 {"steps":[{"after":"0s","channels":["c2"],"repeat_every":1800}]}`},
			commandResult{},
		},
		"edit the reminders keeps the steps": {
			[]string{"edit", "nights", "--repeat", "1h"},
			[]string{find, find + "/p2", channels, `PATCH /policies/p2 {"steps":[{"after":0,"channels":["c1"]},{"after":900,"channels":["c1","c2"],"repeat_every":"1h"}]}`},
			commandResult{},
		},
		"edit removes the reminders": {
			[]string{"edit", "nights", "--unset", "repeat"},
			[]string{find, find + "/p2", channels, `PATCH /policies/p2 {"steps":[{"after":0,"channels":["c1"]},{"after":900,"channels":["c1","c2"]}]}`},
			commandResult{},
		},
		"edit leaves out deleted channels": {
			[]string{"edit", "days", "--repeat", "1h"},
			[]string{find, find + "/p1", channels, `PATCH /policies/p1 {"steps":[{"after":0,"channels":["c1"],"repeat_every":"1h"}]}`},
			commandResult{},
		},
		"edit without steps sends none": {
			[]string{"edit", "p1", "--name", "Days 2", "--slug", "d2", "--no-default"},
			[]string{find, `PATCH /policies/p1 {"name":"Days 2","slug":"d2","default":false}`},
			commandResult{},
		},
		"delete":                 {[]string{"delete", "Days", "--yes"}, []string{find, "DELETE /policies/p1"}, commandResult{}},
		"delete with heartbeats": {[]string{"delete", "Days", "--yes", "--replace"}, []string{find, "DELETE /policies/p1?replace=true"}, commandResult{}},
	} {
		asked := newPolicyAPI(t)
		if got := runOverdue(backend{}, append([]string{"policies"}, test.args...)...); got != test.result {
			t.Errorf("%s: %+v, want %+v", name, got, test.result)
		}
		if diff := cmp.Diff(test.requests, *asked); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", name, diff)
		}
	}
}

func TestPolicies_RejectFlagsBeforeTheyCallTheServer(t *testing.T) {
	for args, want := range map[string]string{
		"create --name N":                          "no step: write at least one, such as --step 0:Ops",
		"create --step 0:Ops":                      "--name",
		"create --name N --step Ops":               "--step Ops: write the delay, a colon and the channels, such as 15m:Ops,Phone",
		"create --name N --step 15m:":              "--step 15m:: write the delay, a colon",
		"create --name N --step :Ops":              "--step :Ops: write the delay, a colon",
		"create --name N --step 15:Ops":            "--step 15:Ops: 15 has no unit: write 15h, 15m (minutes)",
		"create --name N --step Ops:15m":           "--step Ops:15m: Ops is not a duration; write the delay",
		"create --name N --step 0:Ops --repeat 30": "--repeat 30: 30 has no unit",
		"edit nights":                              "nothing to change",
		"edit nights --repeat=":                    "--repeat must not be empty: write a duration, such as 15m, or reset it with --unset repeat",
		"edit nights --unset default":              "--unset default: must be repeat",
		"edit nights --repeat 1h --unset repeat":   "--unset repeat and a new value exclude each other",
		"delete nights":                            "set --yes",
	} {
		asked := newPolicyAPI(t)
		got := runOverdue(backend{}, append([]string{"policies"}, strings.Fields(args)...)...)
		if got.code != 2 || !strings.Contains(got.err, want) || len(*asked) != 0 {
			t.Errorf("%s: %+v, requests %v; want exit code 2 and %q", args, got, *asked, want)
		}
	}
}

func TestPolicies_ErrorsNameWhatDoesNotExist(t *testing.T) {
	for args, want := range map[string]string{
		"create --name N --step 0:Ops,Nix": `policy "N": --step 0:Ops,Nix: channel Nix: there is no channel with this name or id; overdue channels list shows them`,
		"create --name N --step 0:Twice":   `policy "N": --step 0:Twice: channel Twice: 2 channels have this name; write the id of one of them`,
		"create --name N --step 0:Ops,":    `policy "N": --step 0:Ops,: the name of a channel is missing next to a comma`,
		"show nix":                         "policy nix: there is no policy with this slug, name or id; overdue policies list shows them",
		"delete Same --yes":                "policy Same: 2 policies have this name; write the slug of one of them",
		"edit same --repeat 1h":            "policy same: all channels of step 1 were deleted: write all steps again with --step",
		"edit nights --step 0:Ops,,Phone":  "policy nights: --step 0:Ops,,Phone: the name of a channel is missing next to a comma",
	} {
		asked := newPolicyAPI(t)
		got := runOverdue(backend{}, append([]string{"policies"}, strings.Fields(args)...)...)
		if got != (commandResult{1, "", "overdue: " + want + "\n"}) {
			t.Errorf("%s: %+v; want %q", args, got, want)
		}
		if last := (*asked)[len(*asked)-1]; !strings.HasPrefix(last, "GET ") {
			t.Errorf("%s: sent %s", args, last)
		}
	}
}

func TestFlagOf_NamesTheStepOfAFault(t *testing.T) {
	for location, want := range map[string]string{
		"body.steps": "--step", "body.steps.0": "--step (number 1)", "body.steps.2.after": "--step (number 3)", "body.steps.1.repeat_every": "--repeat",
		"body.default": "--default", "body.slug": "--slug",
	} {
		eachCommand(t, func(command *kong.Node) {
			if got := flagOf(command, location); command.FullPath() == "overdue policies create" && got != want {
				t.Errorf("%s: %q, want %q", location, got, want)
			}
		})
	}
}

func TestPoliciesDelete_ReportsTheErrorOfTheServer(t *testing.T) {
	newProblemAPI(t, http.StatusForbidden, `{"detail":"This key can only read."}`)
	got := runOverdue(backend{}, "policies", "delete", "nights", "--yes")
	if got.code != 1 || !strings.HasPrefix(got.err, "overdue: policy nights: ") {
		t.Errorf("%+v", got)
	}
}

func TestHeartbeatsNotifications_PrintsTimeChannelAndReason(t *testing.T) {
	const planned = `{"rule":"default_policy","policy":"nights","why":"The default policy applies.","notifications":[
{"after":0,"channel_id":"c1","channel_name":"Ops","event":"incident.opened","repeat_every":null,"why":"step 1 of policy Nights"},
{"after":900,"channel_id":"c2","channel_name":"Phone","event":"incident.opened","repeat_every":null,"why":"step 2 of policy Nights"},
{"after":2700,"channel_id":"c2","channel_name":"Phone","event":"incident.reminder","repeat_every":1800,"why":"step 2 of policy Nights, repeated every 30\u00a0min"}]}`
	api := map[string]string{
		"GET /heartbeats/by-slug/backup":   `{"ref":"r1","slug":"backup"}`,
		"GET /heartbeats/r1/notifications": planned,
	}
	newFakeAPI(t, api)
	got := runOverdue(backend{}, "heartbeats", "notifications", "backup")
	want := strings.TrimPrefix(`
TIME                               CHANNEL  ALERT     WHY
at the opening                     Ops      opening   step 1 of policy Nights
after 15 min                       Phone    opening   step 2 of policy Nights
after 45 min, then every 30 min    Phone    reminder  step 2 of policy Nights, repeated every 30 min

The default policy applies.
`, "\n")
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(got.out)); diff != "" || got.code != 0 || got.err != "" {
		t.Errorf("%+v (-want +got):\n%s", got, diff)
	}
	var all []client.PlannedNotification
	if got := runOverdue(backend{}, "heartbeats", "notifications", "backup", "--json"); json.Unmarshal([]byte(got.out), &all) != nil || len(all) != 3 || all[0].ChannelID != "c1" {
		t.Errorf("--json: %+v", got)
	}

	api["GET /heartbeats/by-slug/backup"] = `{"ref":"r1","slug":"backup","muted":true}`
	api["GET /heartbeats/r1/notifications"] = `{"notifications":[]}`
	got = runOverdue(backend{}, "heartbeats", "notifications", "backup", "--json")
	wantErr := "overdue: no one is notified: the project has no channels; create one with overdue channels create\n" +
		"overdue: the heartbeat is muted until it is unmuted: no alerts are sent until then\n"
	if got != (commandResult{0, "[]\n", wantErr}) {
		t.Errorf("muted, no channels: %+v", got)
	}
	if got := runOverdue(backend{}, "heartbeats", "notifications", "nosuch"); got.code != 1 || !strings.Contains(got.err, "heartbeat nosuch: no heartbeat has this slug") {
		t.Errorf("unknown heartbeat: %+v", got)
	}
}

func TestComplete_OffersPolicies(t *testing.T) {
	newPolicyAPI(t)
	for _, command := range []string{"show", "edit", "delete"} {
		if got := runOverdue(backend{}, "__complete", "--", "policies", command, "ni"); got != (commandResult{0, "nights\tNights\n", ""}) {
			t.Errorf("%s: %+v", command, got)
		}
	}
	if got := runOverdue(backend{}, "__complete", "--", "policies", "edit", "x", "--unset", ""); got.out != "repeat\n" {
		t.Errorf("--unset: %+v", got)
	}
}
