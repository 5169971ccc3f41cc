package notify

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"overdue/internal/notify/provider/providertest"
	"overdue/internal/notify/setting"
)

// sampleSettings are valid settings of every kind, with all its secrets.
var sampleSettings = map[string]setting.Values{
	"email":   {"to": []any{"ops@example.com"}},
	"exec":    {"command": []any{"notify", "--team", "ops"}},
	"webhook": {"url": "https://a.example/hook/T0K3N?key=v", "secret": testSecret, "headers": map[string]any{"Authorization": "Bearer t", "X-Key": "k"}},
}

// samplesOf returns valid settings of a kind: one for each way to connect.
func samplesOf(t *testing.T, k Kind) []setting.Values {
	t.Helper()
	if s, known := sampleSettings[k.Name]; known {
		return []setting.Values{s}
	}
	all := providertest.Samples("https://a.example")[k.Name]
	if len(all) == 0 {
		t.Fatalf("the kind %s has no samples: add some, with all of its secrets", k.Name)
	}
	return all
}

// TestMerge_KeepsNoSecretForAChangedDestination checks every kind, also future ones: a
// secret is kept only for the host for which it was entered.
func TestMerge_KeepsNoSecretForAChangedDestination(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			tested := map[string]bool{}
			for _, old := range samplesOf(t, k) {
				if _, problems := k.Validate(old); problems != nil {
					t.Fatalf("the sample is not valid: %v", problems)
				}
				for _, f := range k.Fields {
					if !setting.IsEmpty(old[f.Name]) {
						tested[f.Name] = true
					}
					if !f.Destination || setting.IsEmpty(old[f.Name]) {
						continue
					}
					for how, moved := range movedURLs(old.Text(f.Name)) {
						checkStays(t, k, old, f.Name, how, moved)
					}
				}
			}
			for _, f := range k.Fields {
				if f.Type == setting.FieldURL && !f.Destination {
					t.Errorf("the field %s is a URL and no destination", f.Name)
				}
				if f.Secret && !tested[f.Name] {
					t.Errorf("no sample has a %s", f.Name)
				}
			}
		})
	}
}

// movedURLs returns URLs with another destination, by the part that differs.
func movedURLs(from string) map[string]string {
	rest := strings.TrimPrefix(from, "https://a.example")
	return map[string]string{
		"host": "https://b.example" + rest, "port": "https://a.example:8443" + rest, "scheme": "http://a.example" + rest,
		"host below": "https://x.a.example" + rest,
	}
}

// checkStays changes the destination of a channel in the two ways that could keep its
// secrets.
func checkStays(t *testing.T, k Kind, old setting.Values, field, how, moved string) {
	t.Helper()
	dots := k.Mask(old)
	dots[field] = moved
	for way, edit := range map[string]setting.Values{"dots": dots, "not named": {field: moved}} {
		got, problems := k.Merge(old, edit)
		for _, f := range k.Fields {
			if !f.Secret || f.Name == field || setting.IsEmpty(old[f.Name]) {
				continue
			}
			if !slices.ContainsFunc(problems, func(p setting.Problem) bool { return p.Field == f.Name && strings.Contains(p.Text, "another host") }) {
				t.Errorf("%s, %s: no problem names %s: %v", how, way, f.Name, problems)
			}
			if !setting.IsEmpty(got[f.Name]) {
				t.Errorf("%s, %s: the merged settings hold the old %s", how, way, f.Name)
			}
		}
	}
	typed := maps.Clone(old)
	typed[field] = moved
	if got, problems := k.Merge(old, typed); problems != nil || got[field] != moved {
		t.Errorf("%s: secrets that were typed again are rejected: %v", how, problems)
	}
}

func TestMerge_SecretsStayWithAnotherPathOrSpellingOfTheSameHost(t *testing.T) {
	k, old := kind(t, "webhook"), sampleSettings["webhook"]
	for _, same := range []string{"https://a.example/other", "https://a.example:443/", "HTTPS://A.EXAMPLE/hook", " https://a.example "} {
		got, problems := k.Merge(old, setting.Values{"url": same, "secret": setting.Masked})
		if problems != nil || got.Text("secret") != testSecret || got.Map("headers")["X-Key"] != "k" {
			t.Errorf("%q: %v", same, problems)
		}
	}
}

func TestMerge_ProblemNamesEachRemainingHeader(t *testing.T) {
	k, old := kind(t, "webhook"), sampleSettings["webhook"]
	edit := setting.Values{"url": "https://b.example", "secret": nil, "headers": map[string]any{"authorization": setting.Masked, "X-Key": "new"}}
	_, problems := k.Merge(old, edit)
	if len(problems) != 1 || problems[0].Text != "Enter the header authorization again: it would be sent to another host." {
		t.Errorf("problems: %v", problems)
	}
	edit["headers"] = map[string]any{"X-Key": "new"}
	got, problems := k.Merge(old, edit)
	if problems != nil || len(got.Map("headers")) != 1 || got.Text("secret") != "" {
		t.Errorf("a header left out and a secret removed: %v %v", got, problems)
	}
}

func TestWithoutPaths_KeepsOnlyTheHost(t *testing.T) {
	for from, want := range map[string]string{
		"https://a.example/hook/T0K3N?key=v": "https://a.example/…", "https://a.example": "https://a.example", "http://a.example:81/": "http://a.example:81",
		"https://a.example?key=v": "https://a.example/…", "%": setting.Masked,
	} {
		if got := kind(t, "webhook").WithoutPaths(setting.Values{"url": from})["url"]; got != want {
			t.Errorf("%s: %v, not %s", from, got, want)
		}
	}
}

// TestTarget_IsShownWithoutSecrets checks every kind, also future ones.
func TestTarget_IsShownWithoutSecrets(t *testing.T) {
	for _, k := range Kinds() {
		for _, set := range samplesOf(t, k) {
			got := k.Target(set)
			if k.Recipients == nil && k.Preview != nil && (got == "" || strings.Contains(got, "/")) {
				t.Errorf("%s: the target is %q; want a host", k.Name, got)
			}
			for _, f := range k.Fields {
				for _, secret := range append(set.List(f.Name), set.Text(f.Name)) {
					if f.Secret && secret != "" && strings.Contains(got, secret) {
						t.Errorf("%s: the target %q contains the %s", k.Name, got, f.Name)
					}
				}
			}
			k.Target(setting.Values{}) // settings of a later version can be missing
		}
	}
	for to, want := range map[string]string{"a@example.com": "a@example.com", "a@e.com,b@e.com,c@e.com,d@e.com": "a@e.com, b@e.com and 2 others"} {
		k, _ := KindOf("email")
		var list []any
		for item := range strings.SplitSeq(to, ",") {
			list = append(list, item)
		}
		if got := k.Target(setting.Values{"to": list}); got != want {
			t.Errorf("target %q; want %q", got, want)
		}
	}
}
