package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/provider/providertest"
	"overdue/internal/notify/setting"
)

// standIn is a strict stand-in for a service: it checks a request as the service does.
type standIn struct {
	// check returns what the service would reject.
	check func(r Request) error
	// parts returns the texts of a request that people read, decoded.
	parts func(r Request) string
	// answers are recorded or documented responses, with what they must mean.
	answers []answer
	// without are the names of facts that the messages leave out, with the reason.
	without map[string]string
}

// answer is a response of a service.
type answer struct {
	name   string
	status int
	header http.Header
	body   string
	// request is the request that it answers, if its meaning depends on it.
	request Request
	want    Verdict // Detail is compared only if it is set: it must contain it
}

// standIns returns the stand-in of every service.
func standIns() map[string]standIn {
	all := map[string]standIn{}
	for _, part := range []map[string]standIn{chatStandIns(), pushStandIns(), onCallStandIns(), phoneStandIns(), genericStandIns()} {
		maps.Copy(all, part)
	}
	return all
}

// hostile is a name with the markup of every service.
const hostile = "nightly <b>&\"*_`[x](y)~|@everyone <!channel> <@U1> @all {{.}} \u202eabc 🚨"

// events are all events.
func events() []string {
	return []string{
		message.EventOpened, message.EventReminder, message.EventAcknowledged, message.EventResolved, message.EventLate,
		message.EventChannelFailing, message.EventChannelRecovered, message.EventBlackout, message.EventGrouped, message.EventTest, "event.of.the.future",
	}
}

// notifications returns notifications of every event, by name: usual, hostile, very long and empty ones.
func notifications() map[string]message.Notification {
	all := map[string]message.Notification{}
	for _, event := range events() {
		usual := messagetest.FailedBackup(event)
		all[event] = usual
		evil := messagetest.FailedBackup(event)
		evil.Heartbeat, evil.Project, evil.Channel, evil.AcknowledgedBy = hostile, hostile, hostile, hostile
		evil.Description, evil.Output, evil.Explanation = hostile+"\n"+hostile, hostile+"\n```\n</pre>", hostile
		if evil.Group != nil {
			evil.Group.Incidents[0].HeartbeatName, evil.Group.Tags[0] = hostile, hostile
		}
		all[event+", hostile"] = evil
		long := messagetest.FailedBackup(event)
		long.Heartbeat, long.Description = strings.Repeat("\U0001f6a8<&*_", 1000), strings.Repeat("<&>*_`\\ ", 1000)
		long.Output, long.Explanation = strings.Repeat("<&>*_`\\ \U0001f6a8", 1000), strings.Repeat("<&>", 300)
		all[event+", long"] = long
		all[event+", empty"] = message.Notification{Event: event, AlertID: "a1"}
	}
	return all
}

// eachService runs a test for each service and way to connect.
func eachService(t *testing.T, run func(t *testing.T, s Service, set setting.Values, fake standIn)) {
	t.Helper()
	samples, fakes := providertest.Samples("https://service.example"), standIns()
	for _, s := range All() {
		fake, known := fakes[s.Name]
		if !known || len(samples[s.Name]) == 0 {
			t.Fatalf("%s: add settings to providertest and a stand-in to this test", s.Name)
		}
		for i, set := range samples[s.Name] {
			t.Run(fmt.Sprint(s.Name, i), func(t *testing.T) { run(t, s, set, fake) })
		}
	}
}

func TestRender_EveryServiceAcceptsEveryNotification(t *testing.T) {
	eachService(t, func(t *testing.T, s Service, set setting.Values, fake standIn) {
		for name, n := range notifications() {
			first, err := s.Render(set, n)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			again, _ := s.Render(set, n)
			for i, r := range first {
				if err := fake.check(r); err != nil {
					t.Errorf("%s: %v\n%.2000s", name, err, r.Body)
				}
				if !utf8.Valid(r.Body) {
					t.Errorf("%s: the body is not UTF-8", name)
				}
				if !bytes.Equal(r.Body, again[i].Body) || r.URL != again[i].URL {
					t.Errorf("%s: another attempt sends another request", name)
				}
			}
		}
	})
}

func TestRender_EveryServiceHasTheSameFacts(t *testing.T) {
	eachService(t, func(t *testing.T, s Service, set setting.Values, fake standIn) {
		for event, facts := range messagetest.Facts() {
			requests, err := s.Render(set, messagetest.FailedBackup(event))
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, r := range requests {
				text.WriteString(fake.parts(r) + "\n")
			}
			for name, forms := range facts {
				_, left := fake.without[name]
				_, leftEvent := fake.without[event]
				if has := slices.ContainsFunc(forms, func(f string) bool { return strings.Contains(text.String(), f) }); !has && !left && !leftEvent {
					t.Errorf("%s: no %s, which would read %q, in\n%s", event, name, forms, text.String())
				}
			}
		}
	})
}

func TestRender_TheOrderOfFactsIsKept(t *testing.T) {
	eachService(t, func(t *testing.T, s Service, set setting.Values, _ standIn) {
		n := messagetest.FailedBackup(message.EventOpened)
		first, err := s.Render(set, n)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // maps have a random order
			if again, _ := s.Render(set, n); !bytes.Equal(again[0].Body, first[0].Body) {
				t.Fatal("two attempts send different bodies")
			}
		}
	})
}

func TestInterpret_EveryAnswerMeansWhatTheServiceSays(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	eachService(t, func(t *testing.T, s Service, _ setting.Values, fake standIn) {
		if len(fake.answers) < 3 {
			t.Errorf("the stand-in has %d answers; want success, a temporary and a permanent error", len(fake.answers))
		}
		for _, a := range fake.answers {
			header := a.header
			if header == nil {
				header = http.Header{}
			}
			got := interpretWith(s, Response{Status: a.status, Header: header, Body: []byte(a.body), Now: now, Request: a.request})
			detail := got.Detail
			got.Detail = a.want.Detail
			if fmt.Sprint(got) != fmt.Sprint(a.want) || !strings.Contains(detail, a.want.Detail) {
				t.Errorf("%s: %+v with the detail %q; want %+v", a.name, got, detail, a.want)
			}
		}
	})
}

// interpretWith interprets a response.
func interpretWith(s Service, r Response) Verdict {
	if s.Interpret == nil {
		return InterpretStatus(r)
	}
	return s.Interpret(r)
}

func TestInterpret_GarbageIsInterpretedByItsStatus(t *testing.T) {
	bodies := map[string]string{
		"empty": "", "no JSON": "<html>Bad gateway</html>", "truncated": `{"ok":fal`, "null": "null", "list": "[1,2]", "text": `"ok"`,
		"other types": `{"ok":"yes","error":7,"result":[],"parameters":1,"retry_after":"soon","success":{},"message":[1],"status":{},"errors":true,"code":"x","ts":5}`,
		"deep":        strings.Repeat(`{"error":`, 5000), "huge": `{"error":"` + strings.Repeat("x", 60<<10), "not UTF-8": "{\"error\":\"\xff\xfe\"}",
		"huge number": `{"retry_after":1e308,"parameters":{"retry_after":1e308},"retry_after_ms":1e308}`,
	}
	eachService(t, func(t *testing.T, s Service, _ setting.Values, _ standIn) {
		for name, body := range bodies {
			for _, status := range []int{200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 410, 413, 418, 424, 425, 429, 500, 502, 503, 599} {
				got := interpretWith(s, Response{Status: status, Header: http.Header{}, Body: []byte(body), Now: time.Unix(0, 0)})
				if got.Sent && (status < 200 || status > 299) && status != 424 {
					t.Errorf("%s, status %d: sent", name, status)
				}
				if status >= 500 && got.Permanent {
					t.Errorf("%s, status %d: permanent", name, status)
				}
				if got.RetryAfter < 0 || got.RetryAfter > maxRetryAfter {
					t.Errorf("%s, status %d: retry after %s", name, status, got.RetryAfter)
				}
			}
		}
	})
}

func TestServices_AreComplete(t *testing.T) {
	eachService(t, func(t *testing.T, s Service, set setting.Values, _ standIn) {
		if s.Label == "" || s.Help == "" || s.Group == "" || len(s.Setup) == 0 || s.Can.Tested == "" || s.Render == nil {
			t.Error("the service misses something")
		}
		for _, f := range s.Fields {
			if f.Label == "" || f.Type == "" || f.Help == "" {
				t.Errorf("the field %s misses something", f.Name)
			}
		}
		for name := range set {
			if !slices.ContainsFunc(s.Fields, func(f setting.Field) bool { return f.Name == name }) {
				t.Errorf("the sample has a setting %q that the service lacks", name)
			}
		}
		if s.Check != nil {
			if problems := s.Check(set); problems != nil {
				t.Errorf("the sample is not valid: %v", problems)
			}
		}
	})
}

// wantJSON checks the method, the content type and the URL of a JSON request, and decodes its body.
func wantJSON(r Request, path string, into any) error {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil:
		return err
	case r.Method != "" && r.Method != http.MethodPost:
		return fmt.Errorf("method %s; want POST", r.Method)
	case u.Path != path:
		return fmt.Errorf("path %s; want %s", u.Path, path)
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
	}
	return json.Unmarshal(r.Body, into)
}

// jsonText returns all strings of a JSON body.
func jsonText(r Request) string {
	var value any
	if json.Unmarshal(r.Body, &value) != nil {
		return ""
	}
	return strings.Join(stringsIn(value), "\n")
}

func stringsIn(value any) (all []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			all = append(all, stringsIn(item)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			for _, text := range stringsIn(v[name]) {
				all = append(all, name+"="+text)
			}
		}
	}
	return all
}

// atMost returns an error if a text is longer than the limit in characters.
func atMost(name, text string, limit int) error {
	if n := utf8.RuneCountInString(text); n > limit {
		return fmt.Errorf("%s has %d characters; the limit is %d", name, n, limit)
	}
	return nil
}
