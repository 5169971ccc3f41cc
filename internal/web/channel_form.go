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

// channelDraft is what the form of a channel holds.
type channelDraft struct {
	kind, name, remindEvery        string
	settings                       map[string]any // as the form shows them: without secrets
	notifyOnRecovery, notifyOnLate bool
	secrets                        map[string]any    // that were typed
	sealedSecrets                  string            // the same, sealed
	regenerate                     map[string]bool   // secrets that Overdue is to make again, by field
	errors                         map[string]string // what is wrong, by field
	deliveries                     []view.Delivery
	version, shown                 string // of the channel that is edited
}

// showNewChannel is the empty form of a kind.
func showNewChannel(v *request) error {
	k, known := notify.KindOf(v.r.URL.Query().Get("kind"))
	if !known {
		k = notify.Kinds()[0]
	}
	return v.renderChannelForm(http.StatusOK, channelDraft{kind: k.Name, notifyOnRecovery: true}, nil)
}

// showChannel is the form of a channel as it was saved, or what it says for those
// who may not change it.
func showChannel(v *request) error {
	return v.renderChannel(http.StatusOK, v.r.PathValue("id"), "", nil)
}

// renderChannel answers with a channel as it was saved. secret is one that was made
// just now; test is a test alert that was sent just now.
func (v *request) renderChannel(status int, id, secret string, test *view.Delivery) error {
	c, err := v.site.Service.Channel(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	d := savedChannel(c)
	if test != nil {
		d.deliveries = []view.Delivery{*test}
	}
	page, err := v.channelFormPage(d, &c)
	if err != nil {
		return err
	}
	page.NewSecret = secret
	return v.renderStatus(status, view.ChannelEditor(page))
}

// savedChannel is the form of a channel as it was saved.
func savedChannel(c monitor.Channel) channelDraft {
	d := channelDraft{
		kind: c.Kind, name: c.Name, settings: c.Settings, notifyOnRecovery: c.NotifyOnRecovery, notifyOnLate: c.NotifyOnLate, remindEvery: reminderSeconds(c.RemindEvery),
		version: manage.ChannelVersion(c),
	}
	d.shown = encodeShownValues(d.formValues())
	return d
}

// reminderSeconds is how the form writes how often to remind.
func reminderSeconds(every time.Duration) string {
	if every == 0 {
		return ""
	}
	return strconv.Itoa(int(every / time.Second))
}

// renderChannelForm answers with a form; saved is the channel that it changes, nil for
// a new one.
func (v *request) renderChannelForm(status int, d channelDraft, saved *monitor.Channel) error {
	page, err := v.channelFormPage(d, saved)
	if err != nil {
		return err
	}
	return v.renderStatus(status, view.ChannelEditor(page))
}

// channelFormPage is the form as the page shows it.
func (v *request) channelFormPage(d channelDraft, saved *monitor.Channel) (view.ChannelFormPage, error) {
	list, all, err := v.site.Service.ChannelDetails(v.ctx(), v.actor)
	if err != nil {
		return view.ChannelFormPage{}, err
	}
	p := view.ChannelFormPage{
		NoMailServer: d.kind == "email" && v.site.SendMail == nil, OnlyChannel: len(list) == 1,
		Kind: ChannelKind(d.kind), Kinds: ChannelKinds(), Name: view.Input{Value: d.name, Error: d.errors["name"]}, Fields: channelFormFields(d, saved),
		SealedSecrets: d.sealedSecrets, NotifyOnRecovery: d.notifyOnRecovery, NotifyOnLate: d.notifyOnLate, RemindEvery: view.Input{Value: d.remindEvery, Error: d.errors["remind_every"]},
		Deliveries: d.deliveries, Previews: v.messagePreviews(d), Version: d.version, OriginalValues: d.shown,
	}
	if saved == nil {
		p.AlertingHeartbeats, p.TotalHeartbeats, p.Shell = all.AllChannels, all.Heartbeats, v.shell("")
		return p, nil
	}
	detail, reach, err := v.site.Service.ChannelDetail(v.ctx(), v.actor, saved.ID)
	p.Target = ChannelTarget(*saved)
	p.ID, p.Title, p.AlertingHeartbeats, p.TotalHeartbeats = saved.ID, saved.Name, detail.Heartbeats, reach.Heartbeats
	for _, last := range detail.LastDeliveries {
		p.Deliveries = append(p.Deliveries, LastDelivery(last))
	}
	p.Shell = v.shell("")
	return p, err
}

// LastDelivery is one attempt in the list of last deliveries.
func LastDelivery(d manage.LastDelivery) view.Delivery {
	state := map[string]string{"sent": "sent", "retry": "retrying", "refused": "failed"}[d.Outcome]
	return view.Delivery{
		Message: EventName(d.Event), State: state, Latency: d.Took, Response: Response(d.Status, d.Detail), At: d.At,
	}
}

// channelFormFields are what the kind asks for, with what is in the form.
func channelFormFields(d channelDraft, saved *monitor.Channel) []view.SettingField {
	k, _ := notify.KindOf(d.kind)
	var all []view.SettingField
	for _, f := range k.Fields {
		shown := view.SettingField{
			Name: f.Name, Label: f.Label, Type: "text", Required: f.Required && f.Generate == nil, Secret: f.Secret,
			Help: f.Help, Placeholder: f.Placeholder,
			In: view.Input{Value: SettingText(f, d.settings[f.Name]), Error: d.errors["settings."+f.Name]},
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
		shown.Renewable, shown.Renew = shown.Saved && f.Generate != nil, d.regenerate[f.Name]
		all = append(all, shown)
	}
	return all
}

// SettingText is a setting as the form writes it.
func SettingText(f notify.Field, value any) string {
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

// ParseSetting is a setting as it was typed, nil for one that is to be removed. A secret
// that stays empty is kept as it is.
func ParseSetting(f notify.Field, text string) (value any, given bool) {
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
func (v *request) channelEdit(kind, id string) manage.ChannelEdit {
	e := manage.ChannelEdit{
		Name: new(v.formValue("name")), Settings: map[string]any{}, RemindEvery: new(v.formValue("remind_every")),
		NotifyOnLate: new(v.formValue("notify_on_late") != ""), NotifyOnRecovery: new(v.formValue("notify_on_recovery") != ""),
	}
	if id == "" {
		e.Kind = &kind
	}
	k, _ := notify.KindOf(kind)
	for _, f := range k.Fields {
		if value, given := ParseSetting(f, v.formValue("settings."+f.Name)); given {
			e.Settings[f.Name] = value
		}
	}
	RestoreSecrets(e.Settings, v.submittedSecrets(kind, id))
	for name := range v.regeneratedSecrets(k) {
		e.Settings[name] = nil
	}
	return e
}

// regeneratedSecrets returns the secrets that the form asks Overdue to generate again, by
// field.
func (v *request) regeneratedSecrets(k notify.Kind) map[string]bool {
	all := map[string]bool{}
	for _, f := range k.Fields {
		if f.Generate != nil && v.formValue(view.RenewFieldName(f.Name)) != "" {
			all[f.Name] = true
		}
	}
	return all
}

// rerenderNewChannel shows the form of a new channel, filled in.
func rerenderNewChannel(v *request) error {
	kind := v.formValue("kind")
	return v.renderChannelForm(http.StatusOK, v.submittedChannel(kind, "", nil), nil)
}

// rerenderChannelForm shows the form of an existing channel, filled in.
func rerenderChannelForm(v *request) error {
	saved, err := v.site.Service.Channel(v.ctx(), v.actor, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.formValue("kind") == "" { // a test from the list, which has no form
		return v.renderChannel(http.StatusOK, saved.ID, "", nil)
	}
	return v.renderChannelForm(http.StatusOK, v.submittedChannel(saved.Kind, saved.ID, nil), &saved)
}

// submittedChannel is the form as it was sent. Its secrets come back as dots, with
// what they stand for sealed beside them. A secret that was refused does not: nobody
// could see it to correct it, and an empty field would stand for it for ever. Headers
// do: their names are seen, so theirs can be taken out.
func (v *request) submittedChannel(kind, id string, about map[string]string) channelDraft {
	d := channelDraft{
		kind: kind, name: v.formValue("name"), remindEvery: v.formValue("remind_every"), settings: map[string]any{},
		notifyOnRecovery: v.formValue("notify_on_recovery") != "", notifyOnLate: v.formValue("notify_on_late") != "", errors: about,
		version: v.formValue(view.VersionField), shown: v.formValue(view.OriginalValuesField),
	}
	d.secrets = v.submittedSecrets(kind, id)
	k, _ := notify.KindOf(d.kind)
	d.regenerate = v.regeneratedSecrets(k)
	for _, f := range k.Fields {
		if _, wrong := about["settings."+f.Name]; wrong && f.Type == notify.FieldSecret {
			delete(d.secrets, f.Name)
		}
	}
	d.sealedSecrets = v.site.sealer.SealSecrets(d.secrets, v.secretsContext(kind, id), v.now)
	for _, f := range k.Fields {
		value, _ := ParseSetting(f, v.formValue("settings."+f.Name))
		if pairs, ok := value.(map[string]any); ok {
			for name := range pairs {
				pairs[name] = notify.Masked
			}
		}
		d.settings[f.Name] = value
	}
	return d
}

// testRetryAfter asks to wait, as long as the next one takes to be allowed.
const testRetryAfter = 6 * time.Second

// testChannelDraft sends a test alert to a channel that was not saved.
func testChannelDraft(v *request) error { return v.renderTest("", nil) }

// testChannel sends a test alert to a channel as it stands in its form, or from
// the list, which has no form, as it was saved.
func testChannel(v *request) error {
	id := v.r.PathValue("id")
	if v.formValue("kind") != "" {
		before, err := v.site.Service.Channel(v.ctx(), v.actor, id)
		if err != nil {
			return err
		}
		return v.renderTest(id, &before)
	}
	_, err := v.site.Service.TestChannel(v.ctx(), v.actor, id)
	if isFault(err, monitor.RateLimited) {
		return v.renderChannel(v.setRetryAfter(testRetryAfter), id, "", &view.Delivery{Message: "Test", State: "failed", Response: err.Error(), At: v.now})
	}
	if err != nil {
		return err
	}
	return v.renderChannel(http.StatusOK, id, "", nil) // the test is the last of its deliveries
}

// renderTest sends a test alert as the form says, and shows the form again with what
// the provider answered.
func (v *request) renderTest(id string, saved *monitor.Channel) error {
	kind := v.formValue("kind")
	if saved != nil {
		kind = saved.Kind
	}
	begun := time.Now()
	result, kept, err := v.site.Service.TestChannelDraft(v.ctx(), v.actor, id, v.channelEdit(kind, id))
	about, wrong := fieldErrors(err)
	limited := isFault(err, monitor.RateLimited)
	if err != nil && !wrong && !limited {
		return err
	}
	d := v.submittedChannel(kind, id, about)
	if wrong {
		return v.renderChannelForm(statusInvalid, d, saved)
	}
	status := http.StatusOK
	if limited {
		status = v.setRetryAfter(testRetryAfter)
		d.deliveries = []view.Delivery{{Message: "Test", State: "failed", Response: err.Error(), At: v.now}}
	} else if !kept {
		d.deliveries = []view.Delivery{TestDelivery(result, time.Since(begun), v.now)}
	}
	return v.renderChannelForm(status, d, saved)
}

// TestDelivery is a test alert in the list of last deliveries.
func TestDelivery(result manage.TestResult, took time.Duration, now time.Time) view.Delivery {
	d := view.Delivery{Message: "Test", State: "sent", Attempts: 1, Latency: took, At: now}
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
	d.Response = Response(code, result.Detail)
	return d
}
