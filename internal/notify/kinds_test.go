package notify

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

// renderings sends a notification through each kind of channel, and returns one text per
// form of the message. A new kind requires an entry here, and then the tests check
// that it contains every fact of the table below.
var renderings = map[string]func(*testing.T, message.Notification) map[string]string{
	"email": func(t *testing.T, n message.Notification) map[string]string {
		m := startMailServer(t, false, nil)
		if _, err := newMailSender(t, m).Send(t.Context(), "email", mailTo("a@example.com"), n); err != nil {
			t.Fatal(err)
		}
		l := m.onlyDelivery(t).read(t)
		subject, err := l.header.Subject()
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"text": subject + "\n" + l.text, "HTML": subject + "\n" + l.html}
	},
	"webhook": func(t *testing.T, n message.Notification) map[string]string {
		server, got := startWebhookServer(t, answerOK)
		if _, err := newTestSender(t, Options{}).Send(t.Context(), "webhook", setting.Values{"url": server.URL, "secret": testSecret}, n); err != nil {
			t.Fatal(err)
		}
		var body any
		if err := json.Unmarshal(got.body, &body); err != nil {
			t.Fatal(err)
		}
		return map[string]string{"JSON": strings.Join(flattenJSON("", body), "\n")}
	},
}

// execFolder returns a folder with a script.
func execFolder(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notify"), []byte("#!/bin/sh\n"+script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return dir
}

// The facts of a program are those on its standard input.
func init() {
	renderings["exec"] = func(t *testing.T, n message.Notification) map[string]string {
		dir := execFolder(t, "cat > body.json")
		if _, err := newTestSender(t, Options{ExecDir: dir}).Send(t.Context(), "exec", setting.Values{"command": []any{"notify"}}, n); err != nil {
			t.Fatal(err)
		}
		var body any
		if raw, err := os.ReadFile(filepath.Join(dir, "body.json")); err != nil || json.Unmarshal(raw, &body) != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return map[string]string{"JSON": strings.Join(flattenJSON("", body), "\n")}
	}
}

// flattenJSON lists the members of a JSON value as "path=value".
func flattenJSON(path string, value any) (all []string) {
	members, isObject := value.(map[string]any)
	if !isObject {
		return []string{fmt.Sprintf("%s=%v", path, value)}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		all = append(all, flattenJSON(strings.TrimPrefix(path+"."+name, "."), members[name])...)
	}
	return all
}

func TestKinds_EveryKindCarriesTheSameFacts(t *testing.T) {
	for _, kind := range Kinds() {
		if kind.Name != "email" && kind.Name != "webhook" && kind.Name != "exec" {
			continue // see the tests of package provider
		}
		render, known := renderings[kind.Name]
		if !known {
			t.Errorf("the kind %s has no entry in this test: add one, which shows that it carries the facts", kind.Name)
			continue
		}
		for event, facts := range messagetest.Facts() {
			for form, text := range render(t, messagetest.FailedBackup(event)) {
				for name, forms := range facts {
					if !slices.ContainsFunc(forms, func(f string) bool {
						return strings.Contains(text, f) || strings.Contains(text, strings.ReplaceAll(f, "&", "&amp;"))
					}) {
						t.Errorf("%s, %s, %s: no %s, which would read %q, in\n%s", kind.Name, form, event, name, forms, text)
					}
				}
			}
		}
	}
}

func TestNotice_TextHasTheDescriptionWithItsLineBreaks(t *testing.T) {
	text := messagetest.FailedBackup(message.EventOpened).Body().Text
	if !strings.HasSuffix(text, ".\n\nWhere: db-3\nOwner: storage team\nRunbook: https://wiki.example.com/backup?id=7") {
		t.Errorf("text %q; want the description after what happened", text)
	}
	n := messagetest.FailedBackup(message.EventChannelFailing)
	if text := n.Body().Text; strings.Contains(text, "db-3") {
		t.Errorf("text %q; want no description in news about a channel", text)
	}
}
