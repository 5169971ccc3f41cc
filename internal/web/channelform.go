package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/web/view"
)

// draft is what the form of a channel holds.
type draft struct {
	kind, name, remind string
	settings           map[string]any // as the form shows them: without secrets
	recovered, late    bool
	secrets            map[string]any    // that were typed
	kept               string            // the same, sealed
	renew              map[string]bool   // secrets that Overdue is to make again, by field
	about              map[string]string // what is wrong, by field
	tests              []view.Delivery
	version, shown     string // of the channel that is edited
}

// newChannel is the empty form of a kind.
func newChannel(v *visit) error {
	k, known := notify.KindOf(v.r.URL.Query().Get("kind"))
	if !known {
		k = notify.Kinds()[0]
	}
	return v.channelForm(http.StatusOK, draft{kind: k.Name, recovered: true}, nil)
}

// showChannel is the form of a channel as it was saved, or what it says for those
// who may not change it.
func showChannel(v *visit) error { return v.channelPage(http.StatusOK, v.r.PathValue("id"), "", nil) }

// channelPage answers with a channel as it was saved. secret is one that was made
// just now; test is a test alert that was sent just now.
func (v *visit) channelPage(status int, id, secret string, test *view.Delivery) error {
	c, err := v.site.Desk.Channel(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	d := draftOf(c)
	if test != nil {
		d.tests = []view.Delivery{*test}
	}
	page, err := v.drawn(d, &c)
	if err != nil {
		return err
	}
	page.Secret = secret
	return v.showStatus(status, view.ChannelEditor(page))
}

// draftOf is the form of a channel as it was saved.
func draftOf(c monitor.Channel) draft {
	d := draft{
		kind: c.Kind, name: c.Name, settings: c.Settings, recovered: c.TellRecovered, late: c.TellLate, remind: reminder(c.RemindEvery),
		version: manage.ChannelVersion(c),
	}
	d.shown = shownText(d.values())
	return d
}

// reminder is how the form writes how often to remind.
func reminder(every time.Duration) string {
	if every == 0 {
		return ""
	}
	return strconv.Itoa(int(every / time.Second))
}

// channelForm answers with a form; saved is the channel that it changes, nil for
// a new one.
func (v *visit) channelForm(status int, d draft, saved *monitor.Channel) error {
	page, err := v.drawn(d, saved)
	if err != nil {
		return err
	}
	return v.showStatus(status, view.ChannelEditor(page))
}

// drawn is the form as the page shows it.
func (v *visit) drawn(d draft, saved *monitor.Channel) (view.ChannelFormPage, error) {
	list, all, err := v.site.Desk.ChannelDetails(v.ctx(), v.actor)
	if err != nil {
		return view.ChannelFormPage{}, err
	}
	p := view.ChannelFormPage{
		NoMail: d.kind == "email" && v.site.Mail == nil, Last: len(list) == 1,
		Kind: kindOf(d.kind), Kinds: kinds(), Name: view.Input{Value: d.name, Error: d.about["name"]}, Fields: fields(d, saved),
		Kept: d.kept, TellRecovered: d.recovered, TellLate: d.late, RemindEvery: view.Input{Value: d.remind, Error: d.about["remind_every"]},
		Tests: d.tests, Previews: v.previews(d), Version: d.version, Shown: d.shown,
	}
	if saved == nil {
		p.Reach, p.Heartbeats, p.Shell = all.All, all.Heartbeats, v.shell("")
		return p, nil
	}
	detail, reach, err := v.site.Desk.ChannelDetail(v.ctx(), v.actor, saved.ID)
	p.Target = target(*saved)
	p.ID, p.Title, p.Reach, p.Heartbeats = saved.ID, saved.Name, detail.Heartbeats, reach.Heartbeats
	for _, last := range detail.Last {
		p.Tests = append(p.Tests, delivered(last))
	}
	p.Shell = v.shell("")
	return p, err
}

// delivered is one attempt in the list of last deliveries.
func delivered(d manage.LastDelivery) view.Delivery {
	state := map[string]string{"sent": "sent", "retry": "retrying", "refused": "failed"}[d.Outcome]
	return view.Delivery{
		Message: eventWords(d.Event), State: state, Took: d.Took, Response: response(d.Status, d.Detail), At: d.At,
	}
}

// fields are what the kind asks for, with what is in the form.
func fields(d draft, saved *monitor.Channel) []view.Field {
	k, _ := notify.KindOf(d.kind)
	var all []view.Field
	for _, f := range k.Fields {
		shown := view.Field{
			Name: f.Name, Label: f.Label, Type: "text", Required: f.Required && f.Make == nil, Secret: f.Secret,
			Help: f.Help, Placeholder: f.Placeholder,
			In: view.Input{Value: written(f, d.settings[f.Name]), Error: d.about["settings."+f.Name]},
		}
		switch f.Type {
		case notify.FieldURL:
			shown.Type = "url"
		case notify.FieldList:
			shown.Type = "textarea"
			shown.Help = strings.TrimSpace("One a line. " + f.Help)
		case notify.FieldHeaders:
			// The names are no secret and must be seen to be changed; the values are
			// dots, which stand for what is kept.
			shown.Type, shown.Secret = "textarea", false
			shown.Help = strings.TrimSpace("One a line, such as X-Team: ops. " + f.Help)
		case notify.FieldText, notify.FieldSecret:
		}
		_, shown.Typed = d.secrets[f.Name]
		if saved != nil {
			_, shown.Saved = saved.Settings[f.Name]
		}
		shown.Renewable, shown.Renew = shown.Saved && f.Make != nil, d.renew[f.Name]
		all = append(all, shown)
	}
	return all
}

// written is a setting as the form writes it.
func written(f notify.Field, value any) string {
	switch value := value.(type) {
	case string:
		if f.Secret {
			return ""
		}
		return value
	case []any:
		var lines []string
		for _, item := range value {
			text, _ := item.(string) // lists hold nothing else
			lines = append(lines, text)
		}
		return strings.Join(lines, "\n")
	case map[string]any:
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			text, _ := value[name].(string)
			lines = append(lines, strings.TrimSpace(name+": "+text))
		}
		return strings.Join(lines, "\n")
	}
	return ""
}

// read is a setting as it was typed, nil for one that is to be removed. A secret
// that stays empty is kept as it is.
func read(f notify.Field, text string) (value any, given bool) {
	switch f.Type {
	case notify.FieldList:
		list := []any{}
		for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ';' }) {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list, true
	case notify.FieldHeaders:
		pairs := map[string]any{}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(line, ":")
			if name = strings.TrimSpace(name); name != "" {
				pairs[name] = strings.TrimSpace(value)
			}
		}
		return pairs, true
	case notify.FieldText, notify.FieldURL, notify.FieldSecret:
	}
	if f.Secret && text == "" {
		return nil, false
	}
	return text, true
}

// channelEdit reads the form of a channel of a kind.
func (v *visit) channelEdit(kind, id string) manage.ChannelEdit {
	e := manage.ChannelEdit{
		Name: new(v.text("name")), Settings: map[string]any{}, RemindEvery: new(v.text("remind_every")),
		TellLate: new(v.text("notify_on_late") != ""), TellRecovered: new(v.text("notify_on_recovery") != ""),
	}
	if id == "" {
		e.Kind = &kind
	}
	k, _ := notify.KindOf(kind)
	for _, f := range k.Fields {
		if value, given := read(f, v.text("settings."+f.Name)); given {
			e.Settings[f.Name] = value
		}
	}
	withSecrets(e.Settings, v.typedSecrets(kind, id))
	for name := range v.renewed(k) {
		e.Settings[name] = nil
	}
	return e
}

// renewed returns the secrets that the form asks Overdue to generate again, by
// field.
func (v *visit) renewed(k notify.Kind) map[string]bool {
	all := map[string]bool{}
	for _, f := range k.Fields {
		if f.Make != nil && v.text(view.RenewName(f.Name)) != "" {
			all[f.Name] = true
		}
	}
	return all
}

// newChannelAgain shows the form of a new channel, filled in.
func newChannelAgain(v *visit) error {
	kind := v.text("kind")
	return v.channelForm(http.StatusOK, v.typedChannel(kind, "", nil), nil)
}

// changeChannelAgain shows the form of an existing channel, filled in.
func changeChannelAgain(v *visit) error {
	saved, err := v.site.Desk.Channel(v.ctx(), v.actor, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.text("kind") == "" { // a test from the list, which has no form
		return v.channelPage(http.StatusOK, saved.ID, "", nil)
	}
	return v.channelForm(http.StatusOK, v.typedChannel(saved.Kind, saved.ID, nil), &saved)
}

// typedChannel is the form as it was sent. Its secrets come back as dots, with
// what they stand for sealed beside them. A secret that was refused does not: nobody
// could see it to correct it, and an empty field would stand for it for ever. Headers
// do: their names are seen, so theirs can be taken out.
func (v *visit) typedChannel(kind, id string, about map[string]string) draft {
	d := draft{
		kind: kind, name: v.text("name"), remind: v.text("remind_every"), settings: map[string]any{},
		recovered: v.text("notify_on_recovery") != "", late: v.text("notify_on_late") != "", about: about,
		version: v.text(view.VersionField), shown: v.text(view.ShownField),
	}
	d.secrets = v.typedSecrets(kind, id)
	k, _ := notify.KindOf(d.kind)
	d.renew = v.renewed(k)
	for _, f := range k.Fields {
		if _, wrong := about["settings."+f.Name]; wrong && f.Type == notify.FieldSecret {
			delete(d.secrets, f.Name)
		}
	}
	d.kept = v.site.sealer.seal(d.secrets, v.formOf(kind, id), v.now)
	for _, f := range k.Fields {
		value, _ := read(f, v.text("settings."+f.Name))
		if pairs, ok := value.(map[string]any); ok {
			for name := range pairs {
				pairs[name] = notify.Masked
			}
		}
		d.settings[f.Name] = value
	}
	return d
}

// tooManyTests asks to wait, as long as the next one takes to be allowed.
const tooManyTests = 6 * time.Second

// testDraft sends a test alert to a channel that was not saved.
func testDraft(v *visit) error { return v.test("", nil) }

// testChannel sends a test alert to a channel as it stands in its form, or from
// the list, which has no form, as it was saved.
func testChannel(v *visit) error {
	id := v.r.PathValue("id")
	if v.text("kind") != "" {
		before, err := v.site.Desk.Channel(v.ctx(), v.actor, id)
		if err != nil {
			return err
		}
		return v.test(id, &before)
	}
	_, err := v.site.Desk.TestChannel(v.ctx(), v.actor, id)
	if isFault(err, monitor.Limited) {
		return v.channelPage(v.rest(tooManyTests), id, "", &view.Delivery{Message: "Test", State: "failed", Response: err.Error(), At: v.now})
	}
	if err != nil {
		return err
	}
	return v.channelPage(http.StatusOK, id, "", nil) // the test is the last of its deliveries
}

// test sends a test alert as the form says, and shows the form again with what
// the provider answered.
func (v *visit) test(id string, saved *monitor.Channel) error {
	kind := v.text("kind")
	if saved != nil {
		kind = saved.Kind
	}
	begun := time.Now()
	result, kept, err := v.site.Desk.TestDraft(v.ctx(), v.actor, id, v.channelEdit(kind, id))
	about, wrong := wrongs(err)
	limited := isFault(err, monitor.Limited)
	if err != nil && !wrong && !limited {
		return err
	}
	d := v.typedChannel(kind, id, about)
	if wrong {
		return v.channelForm(refused, d, saved)
	}
	status := http.StatusOK
	if limited {
		status = v.rest(tooManyTests)
		d.tests = []view.Delivery{{Message: "Test", State: "failed", Response: err.Error(), At: v.now}}
	} else if !kept {
		d.tests = []view.Delivery{tested(result, time.Since(begun), v.now)}
	}
	return v.channelForm(status, d, saved)
}

// tested is a test alert in the list of last deliveries.
func tested(result manage.TestResult, took time.Duration, now time.Time) view.Delivery {
	d := view.Delivery{Message: "Test", State: "sent", Attempts: 1, Took: took, At: now}
	code := 0
	if result.Status != nil {
		code = *result.Status
	}
	if !result.Delivered {
		d.State = "failed"
		if code < 300 { // the code of the recipients who have it
			code = 0
		}
	}
	d.Response = response(code, result.Detail)
	return d
}
