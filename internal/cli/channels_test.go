package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"overdue/client"
	"overdue/internal/notify"

	"github.com/google/go-cmp/cmp"
)

const listedChannels = `{"items":[
{"id":"c1","kind":"email","name":"Team","state":"working","settings":{"to":["a@b.example","c@b.example"]},"notify_on_recovery":true,"last_delivery_at":"2026-01-02T03:04:05Z"},
{"id":"c2","kind":"webhook","name":"Hook","state":"failing","failing":true,"failure":"410 Gone","pending":3,"settings":{"url":"https://h.example","secret":"••••","headers":{"X-A":"••••"}}},
{"id":"c3","kind":"email","name":"Twice","state":"untested"},
{"id":"c4","kind":"email","name":"Twice","state":"untested"}],"next_cursor":null}`

// createdChannel is the response to the creation of a webhook.
const createdChannel = `{"id":"c9","kind":"webhook","name":"Hook","settings":{"url":"https://h.example","secret":"whsec_new"}}`

// testHint is what create prints on standard error.
const testHint = "overdue: channel created; to check that alerts arrive, run overdue channels test c9\n"

// createdChannelJSON is createdChannel as --json prints it.
func createdChannelJSON(t *testing.T) string {
	t.Helper()
	var ch client.Channel
	if err := json.Unmarshal([]byte(createdChannel), &ch); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printJSON(Streams{Out: &out}, ch); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// newChannelAPI starts an API that has the channels of listedChannels.
func newChannelAPI(t *testing.T) *[]string {
	t.Helper()
	return newFakeAPI(t, map[string]string{
		"GET /channels":           listedChannels,
		"POST /channels":          createdChannel,
		"PATCH /channels/c1":      `{"id":"c1","kind":"email","name":"Crew"}`,
		"PATCH /channels/c2":      createdChannel,
		"POST /channels/c1/test":  `{"delivered":true,"detail":"250 ok"}`,
		"POST /channels/c2/test":  `{"delivered":false,"detail":"410 Gone"}`,
		"POST /channels/c1/retry": `{"id":"c1","name":"Team","pending":3}`,
		"POST /channels/c2/retry": `{"id":"c2","name":"Hook","pending":0}`,
	})
}

func TestChannelsList_PrintsATableWithAttentionFirst(t *testing.T) {
	newChannelAPI(t)
	got := runOverdue(backend{}, "channels", "list")
	want := strings.TrimPrefix(`
STATE     NAME   KIND     PENDING  LAST DELIVERY (UTC)  FAILURE   ID
failing   Hook   webhook  3        -                    410 Gone  c2
untested  Twice  email    0        -                    -         c3
untested  Twice  email    0        -                    -         c4
working   Team   email    0        2026-01-02 03:04:05  -         c1
`, "\n")
	if diff := cmp.Diff(commandResult{0, want, ""}, got, cmp.AllowUnexported(commandResult{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var all []client.Channel
	if got := runOverdue(backend{}, "channels", "list", "--json"); json.Unmarshal([]byte(got.out), &all) != nil || len(all) != 4 || all[0].ID != "c2" {
		t.Errorf("--json: %+v", got)
	}
}

func TestChannelsShow_PrintsSettingsInOneLineEach(t *testing.T) {
	newChannelAPI(t)
	for name, lines := range map[string][]string{
		"Team": {"Setting to           a@b.example, c@b.example", "Notifies on recovery  yes"},
		"c2":   {"Setting headers      X-A: ••••", "Failure              410 Gone"},
	} {
		got := runOverdue(backend{}, "channels", "show", name)
		for _, line := range lines {
			if words := strings.Join(strings.Fields(line), " "); got.code != 0 || !strings.Contains(strings.Join(strings.Fields(got.out), " "), words) {
				t.Errorf("%s: %+v lacks %q", name, got, words)
			}
		}
	}
}

func TestChannels_EachCommandSendsTheRequest(t *testing.T) {
	secret := writeFile(t, "secret", "Bearer x\n")
	for args, want := range map[string]struct {
		requests []string
		result   commandResult
	}{
		"create --kind email --name Team --set to=a@b.example --set to=c@b.example --notify-on-late --no-notify-on-recovery --remind-every 1h": {
			[]string{`POST /channels {"kind":"email","name":"Team","settings":{"to":["a@b.example","c@b.example"]},"notify_on_late":true,"notify_on_recovery":false,"remind_every":"1h"}`},
			commandResult{0, "c9\n", testHint},
		},
		"create --kind webhook --name Hook --set url=https://h.example/?a=b --set headers.X-A=1 --secret-file headers.Authorization=" + secret: {
			[]string{`POST /channels {"kind":"webhook","name":"Hook","settings":{"headers":{"Authorization":"Bearer x","X-A":"1"},"url":"https://h.example/?a=b"}}`},
			commandResult{0, "c9\nsecret=whsec_new\n", testHint},
		},
		"create --kind webhook --name Hook --set url=https://h.example --set secret=whsec_mine": {
			[]string{`POST /channels {"kind":"webhook","name":"Hook","settings":{"secret":"whsec_mine","url":"https://h.example"}}`},
			commandResult{0, "c9\n", testHint},
		},
		"create --kind email --name Team --set to=a@b.example --json": {
			[]string{`POST /channels {"kind":"email","name":"Team","settings":{"to":["a@b.example"]}}`},
			commandResult{0, createdChannelJSON(t), ""},
		},
		"edit Team --name Crew --set to=x@b.example --no-notify-on-late --remind-every 2h": {
			[]string{"GET /channels", `PATCH /channels/c1 {"name":"Crew","settings":{"to":["x@b.example"]},"notify_on_late":false,"remind_every":"2h"}`},
			commandResult{},
		},
		"edit Hook --set headers.X-B=1 --unset secret": {
			[]string{"GET /channels", `PATCH /channels/c2 {"settings":{"headers":{"X-B":"1"},"secret":null}}`},
			commandResult{0, "secret=whsec_new\n", ""},
		},
		"edit c1 --unset remind-every,notify-on-late,notify-on-recovery": {
			[]string{"GET /channels", `PATCH /channels/c1 {"notify_on_late":false,"notify_on_recovery":true,"remind_every":null}`},
			commandResult{},
		},
		"test Team":       {[]string{"GET /channels", "POST /channels/c1/test"}, commandResult{0, "delivered: 250 ok\n", ""}},
		"retry Team":      {[]string{"GET /channels", "POST /channels/c1/retry"}, commandResult{0, "3 pending alerts are sent now\n", ""}},
		"retry Hook":      {[]string{"GET /channels", "POST /channels/c2/retry"}, commandResult{0, "no pending alerts\n", ""}},
		"test Hook":       {[]string{"GET /channels", "POST /channels/c2/test"}, commandResult{1, "", "overdue: channel Hook: test alert not delivered: 410 Gone\n"}},
		"delete c1 --yes": {[]string{"GET /channels", "DELETE /channels/c1"}, commandResult{}},
	} {
		asked := newChannelAPI(t)
		if got := runOverdue(backend{}, append([]string{"channels"}, strings.Fields(args)...)...); got != want.result {
			t.Errorf("%s: %+v, want %+v", args, got, want.result)
		}
		if diff := cmp.Diff(want.requests, *asked); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", args, diff)
		}
	}
}

func TestChannelsCreate_RejectsFlagsBeforeItCallsTheServer(t *testing.T) {
	for args, want := range map[string]string{
		"--set url":                  "--set url: write it as KEY=VALUE",
		"--secret-file secret":       "--secret-file secret: write it as KEY=FILE",
		"--secret-file secret=none":  "--secret-file secret: open none: no such file",
		"--set url=a --set url=b":    "--set url: must be set only once",
		"--remind-every 24":          "--remind-every 24: 24 has no unit",
		"--set headers.A=1 --name=x": "",
	} {
		asked := newChannelAPI(t)
		got := runOverdue(backend{}, strings.Fields("channels create --kind webhook --name Hook "+args)...)
		if want != "" && (got.code != 2 || !strings.Contains(got.err, want) || len(*asked) != 0) {
			t.Errorf("%s: %+v, requests %v; want exit code 2 and %q", args, got, *asked, want)
		}
	}
}

func TestChannelsEdit_RejectsFlagsThatContradict(t *testing.T) {
	for args, want := range map[string]string{
		"Hook":                       "nothing to change",
		"Hook --unset url2":          "--unset url2: must be one of remind-every, notify-on-late, notify-on-recovery, secret, headers",
		"Hook --unset to":            "--unset to: must be one of",
		"Hook --remind-every 24":     "--remind-every 24: 24 has no unit",
		"Hook --remind-every=":       "--remind-every must not be empty: write a duration, such as 15m, or reset it with --unset remind-every",
		"Hook --name=":               "--name must not be empty: write --name NAME",
		"Hook --set url":             "--set url: write it as KEY=VALUE",
		"Team --set to=x --unset to": "--unset to and a new value exclude each other",
		"Hook --kind email":          "unknown flag --kind",
		"Twice --name T":             "2 channels have this name",
		"c1 --remind-every 1h --unset remind-every": "--unset remind-every and a new value exclude each other",
	} {
		newChannelAPI(t)
		got := runOverdue(backend{}, append([]string{"channels", "edit"}, strings.Fields(args)...)...)
		if got.code == 0 || got.out != "" || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v; want %q", args, got, want)
		}
	}
}

func TestChannelsCreate_ErrorsNameTheSetting(t *testing.T) {
	newProblemAPI(t, http.StatusUnprocessableEntity, `{"errors":[{"location":"body.settings.url","message":"Write https."},{"location":"body.kind","message":"Unknown."}]}`)
	got := runOverdue(backend{}, "channels", "create", "--kind", "x", "--name", "N")
	if want := "overdue: channel \"N\":\n  --set url: Write https.\n  --kind: Unknown.\n"; got != (commandResult{1, "", want}) {
		t.Errorf("%+v, want %q", got, want)
	}
}

func TestChannelsCreate_HelpListsEveryKindAndSetting(t *testing.T) {
	help := runOverdue(backend{}, "channels", "create", "--help").out
	for _, kind := range notify.Kinds() {
		for _, f := range kind.Fields {
			if !strings.Contains(help, "\n    "+kind.Name+"\n") || !strings.Contains(help, f.Name) {
				t.Errorf("help lacks %s with %s:\n%s", kind.Name, f.Name, help)
			}
		}
	}
}
