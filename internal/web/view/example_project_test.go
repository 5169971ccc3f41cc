package view_test

import (
	"time"

	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/channelview"
	"overdue/internal/web/view/docsview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

func exampleKinds() []channelview.Kind {
	return []channelview.Kind{
		{Name: "email", Label: "Email", About: "Any address, no account needed"},
		{Name: "slack", Label: "Slack", About: "Post to a channel or person"},
		{Name: "teams", Label: "Microsoft Teams", About: "Post through a workflow"},
		{Name: "discord", Label: "Discord", About: "Post to a server channel"},
		{Name: "telegram", Label: "Telegram", About: "Message from your own bot"},
		{Name: "pagerduty", Label: "PagerDuty", About: "Opens and resolves incidents"},
		{Name: "ntfy", Label: "ntfy", About: "Push to phones and desktops"},
		{Name: "webhook", Label: "Webhook", About: "Your URL, your JSON"},
	}
}

func exampleChannels() []channelview.Channel {
	kind := map[string]channelview.Kind{}
	for _, k := range exampleKinds() {
		kind[k.Name] = k
	}
	return []channelview.Channel{
		{ID: "c1", Name: "#ops-alerts", Kind: kind["slack"], Target: "hooks.slack.com/…/B07K", Heartbeats: 1279, State: "working", LastOutcome: "Delivered in 0.6\u00a0s", LastDelivery: utc("2025-10-14T19:54:14Z")},
		{ID: "c2", Name: "On-call email", Kind: kind["email"], Target: "on-call@kestrel.example", Heartbeats: 1262, State: "working", LastOutcome: "Delivered in 1.9\u00a0s", LastDelivery: utc("2025-10-14T19:54:15Z")},
		{ID: "c3", Name: "Freight primary", Kind: kind["pagerduty"], Target: "key ending 4f2c", Heartbeats: 1254, State: "working", LastOutcome: "Delivered on attempt 2", LastDelivery: utc("2025-10-14T17:54:33Z")},
		{ID: "c4", Name: "Grafana annotations", Kind: kind["webhook"], Target: "grafana.kestrel.example/api/annotations", Heartbeats: 1190, State: "working", LastOutcome: "Delivered in 0.1\u00a0s", LastDelivery: utc("2025-10-14T17:54:14Z")},
		{ID: "c6", Name: "Warehouse tablet", Kind: kind["ntfy"], Target: "ntfy.kestrel.example/dock-3", Heartbeats: 1198, State: "failing", LastOutcome: "Failed after 24\u00a0h: connection refused", LastDelivery: utc("2025-10-13T06:12:06Z")},
		{ID: "c7", Name: "Mara’s phone", Kind: kind["telegram"], Target: "@maralind", Heartbeats: 1180, State: "untested"},
	}
}

func exampleChannelList() channelview.ListPage {
	return channelview.ListPage{Shell: exampleShell(), Channels: exampleChannels(), Fallback: []string{"Webhook", "Apprise"}, Groups: []channelview.KindGroup{
		{Name: "Chat", Kinds: exampleKinds()},
		{Name: "Other systems", Kinds: []channelview.Kind{{Name: "exec", Label: "Program", About: "Runs a program", Off: "Needs --exec-dir."}}},
	}}
}

func exampleChannelForm() channelview.FormPage {
	at := func(s string) time.Time { return utc("2025-10-14T" + s + "Z") }
	return channelview.FormPage{
		Shell: exampleShell(), Kind: exampleKinds()[1], GuidePath: "/docs/channels",
		Setup: []string{"Open **Incoming Webhooks** and switch it on.", "Copy the URL."}, Notes: []string{"Messages about one incident form a thread."},
		Name: ui.Input{Value: "#freight-billing"},
		Fields: []channelview.SettingField{
			{Name: "url", Label: "Incoming webhook URL", Type: "url", Required: true, Help: "In Slack: Apps, Incoming Webhooks, Add to channel.", In: ui.Input{Value: "https://hooks.slack.com/services/T02K9/B07KD4/secret"}, Secret: true},
			{Name: "mention", Label: "Mention", Type: "text", In: ui.Input{Value: "@oncall-freight"}},
		},
		NotifyOnRecovery: true, RemindEvery: ui.Input{Value: "7200"}, AlertingHeartbeats: 1171, TotalHeartbeats: 1284,
		Deliveries: []ui.Delivery{
			{At: at("20:08:47"), Message: "Test alert", State: "sent", Latency: 600 * time.Millisecond, Response: "200 ok"},
			{At: at("20:07:30"), Message: "Test alert", State: "failed", Latency: 300 * time.Millisecond, Response: "404 no_service", Advice: "The webhook was removed in Slack. Create a new one."},
		},
		Previews: []channelview.EventPreview{
			{
				Name: "opened", Label: "Down", Selected: true, Request: channelview.RequestPreview{Host: "hooks.slack.com", Text: "POST https://hooks.slack.com/••••"},
				Message: channelview.MessagePreview{
					Status: "down", At: "22:09", Title: "Down: Invoice PDFs to archive", Text: "No ping for 1h 40m. Due 05:00, grace 1h.",
					Facts:   []ui.Option{{Label: "Last ping", Value: "Tue 14 Oct 05:01:40"}, {Label: "Cause", Value: "Missed ping"}},
					Actions: []string{"Open incident #483", "Acknowledge"},
				},
			},
			{Name: "recovered", Label: "Recovered", Message: channelview.MessagePreview{Status: "up", At: "22:31", Title: "Up again: Invoice PDFs to archive", Text: "Was Down for 22m. Next ping expected Wed 05:00."}},
		},
	}
}

// exampleChannelEdit is a saved webhook with every type of field.
func exampleChannelEdit() channelview.FormPage {
	p := exampleChannelForm()
	p.ID, p.Title, p.Kind, p.AlertingHeartbeats = "c4", "Grafana annotations", exampleKinds()[7], 1190
	p.Fields = []channelview.SettingField{
		{Name: "url", Label: "URL", Type: "url", Required: true, In: ui.Input{Value: "ftp://example", Error: "Write a URL that begins with https:// or http://."}},
		{Name: "secret", Label: "Signing secret", Type: "text", Secret: true, Saved: true, In: ui.Input{Value: "whsec_never_shown"}},
		{Name: "headers", Label: "Headers", Type: "textarea", Help: "One a line: Name: value."},
		{Name: "insecure", Label: "Accept any certificate", Type: "checkbox", Help: "For a server in your own network."},
	}
	p.Previews = nil
	p.Channel = exampleChannels()[4]
	p.Channel.Pending = 30
	p.Pending = []channelview.PendingAlert{
		{Event: "Down", Heartbeat: "Invoice PDFs to archive", IncidentNumber: 483, IncidentPath: "/incidents/i483", State: "retrying", Attempts: 3, Created: utc("2025-10-14T19:54:14Z"), NextAttempt: utc("2025-10-14T20:10:14Z")},
		{Event: "Recovered", Heartbeat: "Invoice PDFs to archive", IncidentNumber: 483, IncidentPath: "/incidents/i483", State: "waiting", Recipient: "ops@example.com", Created: utc("2025-10-14T19:58:14Z"), Blocked: true},
		{Event: "Channel failing", State: "retrying", Attempts: 1, Created: utc("2025-10-14T19:58:14Z")},
	}
	return p
}

func exampleSetup() accountview.SetupPage {
	g := exampleSignedOut()
	g.PingURLPrefix = "https://overdue.kestrel.example"
	return accountview.SetupPage{
		SignedOutShell: g, Token: "k3v9", Name: ui.Input{Value: "Mara Lindqvist"}, Email: ui.Input{Value: "mara@kestrel.example"},
		Project: ui.Input{Value: "Production"}, Zone: ui.Input{Value: "Europe/Berlin"}, Zones: zones(),
	}
}

func exampleSignIn() accountview.SignInPage {
	return accountview.SignInPage{
		SignedOutShell: exampleSignedOut(), Host: "overdue.kestrel.example", Email: "mara@kestrel.example", KeepSignedIn: true, Next: "/incidents/i482",
		CanMailReset: true,
		Error:        "Email or password is wrong. 4 tries left, then a pause of 15 min.",
	}
}

func exampleInvitation() accountview.InvitationPage {
	return accountview.InvitationPage{
		SignedOutShell: exampleSignedOut(), Token: "t0k3n", Email: "priya@kestrel.example", Project: "Production", Role: "member",
		InvitedBy: "Mara Lindqvist", Name: ui.Input{Value: "Priya Nair"}, Password: ui.Input{Error: "At least 12 characters."},
	}
}

func exampleAccount() accountview.AccountPage {
	return accountview.AccountPage{
		Shell: exampleShell(), Name: ui.Input{Value: "Mara Lindqvist"}, CurrentPassword: ui.Input{Error: "This is not the password."},
		Sessions: []accountview.Session{
			{ID: "s1", Browser: "Firefox on Linux", Address: "10.20.4.2", Created: utc("2025-10-01T07:00:00Z"), LastSeen: exampleClock().Now, Current: true},
			{ID: "s2", Browser: "Safari on iPhone", Address: "2a02:8109:9ac0::5e1", Created: utc("2025-09-12T17:30:00Z"), LastSeen: utc("2025-10-14T06:10:00Z")},
		},
	}
}

func exampleConfirmPassword() accountview.ConfirmPasswordPage {
	return accountview.ConfirmPasswordPage{Shell: exampleShell(), Title: "Sign out everywhere else?", Action: "/account/sessions/others", CancelPath: "/account"}
}

func exampleTeam() accountview.TeamPage {
	seen := exampleClock().Now.Add(-3 * time.Hour)
	return accountview.TeamPage{
		Shell: exampleShell(), Role: "member", SendsMail: true, InvitationLink: "https://overdue.kestrel.example/invitations/t0k3n",
		Members: []accountview.Member{
			{ID: "u1", Name: "Mara Lindqvist", Email: "mara@kestrel.example", Role: "owner", LastSeen: exampleClock().Now, You: true, RoleFixed: true},
			{ID: "u2", Name: "Tomasz Wrona", Email: "tomasz@kestrel.example", Role: "admin", LastSeen: seen},
			{ID: "u3", Name: "Jonas Becker", Email: "jonas@kestrel.example", Role: "viewer"},
		},
		OrphanedKeys: []accountview.APIKey{{ID: "k9", Name: "terraform", Prefix: "ovd_Q2mN…", Created: utc("2025-03-02T09:00:00Z"), CreatedBy: "Oskar Nyberg"}},
		Invitations:  []accountview.SentInvitation{{ID: "v1", Email: "priya@kestrel.example", Role: "member", SentBy: "Mara Lindqvist", Sent: seen, Expires: seen.Add(7 * 24 * time.Hour)}},
	}
}

func exampleAPIKeys() accountview.APIKeysPage {
	return accountview.APIKeysPage{
		Shell: exampleShell(), NewKey: "ovd_7QkXw2nR5tB8mZ4cV6yH", BaseURL: "https://overdue.kestrel.example/api/v1",
		Keys: []accountview.APIKey{
			{ID: "k1", Name: "terraform", Prefix: "ovd_7QkX…", Created: exampleClock().Now, CreatedBy: "Mara Lindqvist"},
			{ID: "k2", Name: "wall board", Prefix: "ovd_2bNp…", ReadOnly: true, Created: utc("2024-12-02T10:00:00Z"), CreatedBy: "Tomasz Wrona", LastUsed: utc("2025-10-14T20:08:50Z")},
		},
	}
}

func exampleAudit() accountview.AuditLogPage {
	at := func(s string) time.Time { return utc("2025-10-14T" + s + "Z") }
	return accountview.AuditLogPage{Shell: exampleShell(), Entries: []accountview.AuditEntry{
		{At: at("19:41:12"), Actor: "Mara Lindqvist", ActorKind: "Person", ActorID: "1f3a9c2e", ActorPath: "/audit?actor=1f3a9c2e", Action: "changed the grace period of", Target: "Nightly database backup", TargetPath: "/heartbeats/" + backupID, Detail: "5m to 10m", Address: "10.20.4.2"},
		{At: at("17:41:00"), Actor: "API key terraform", ActorKind: "API key", ActorID: "77ab01d3", ActorPath: "/audit?actor=77ab01d3", Action: "created", Target: "Payroll export to DATEV", TargetPath: "/heartbeats/x", Address: "10.20.4.40"},
		{At: at("09:02:44"), Actor: "Tomasz Wrona", Action: "deleted", Target: "Old FTP mirror", Address: "10.20.4.3"},
	}}
}

func exampleSettings() accountview.ProjectSettingsPage {
	return accountview.ProjectSettingsPage{
		Shell: exampleShell(), Name: ui.Input{Value: "Production"}, Zone: ui.Input{Value: "Europe/Berlin"}, Zones: zones(),
		NewZone: ui.Input{Value: "Europe/Berlin"}, PingURLPrefix: pingBase, CanDelete: true,
	}
}

func exampleConfirm() layout.ConfirmPage {
	return layout.ConfirmPage{
		Shell: exampleShell(), Section: "Heartbeats", Title: "Delete 2 heartbeats?",
		Text:  "Jobs that still call their URLs get 404. Events and incidents are removed. This cannot be undone.",
		Items: []string{"Legacy FTP pickup, Rotterdam", "S3 lifecycle audit"}, Action: "/heartbeats/bulk",
		Fields: []ui.Option{{Label: "do", Value: "delete"}, {Label: "id", Value: "1"}, {Label: "id", Value: "2"}},
		Label:  "Type delete to confirm", Typed: ui.Input{Value: "yes", Error: "Type the word delete."}, Button: "Delete 2 heartbeats", CancelPath: "/heartbeats",
	}
}

func exampleError(status int) layout.ErrorPage {
	p := layout.ErrorPage{SignedOutShell: exampleSignedOut(), Status: status, SignedIn: status != 503, Path: "/nowhere"}
	if status == 500 {
		p.RequestID = "0f9c2a7e"
	}
	return p
}

// exampleAppError is an error that keeps the sidebar.
func exampleAppError(path string) layout.ErrorPage {
	p, shell := exampleError(404), exampleShell()
	p.App, p.Path = &shell, path
	return p
}

func exampleFeedback() docsview.FeedbackPage {
	return docsview.FeedbackPage{
		Shell: exampleShell(),
		Pages: []docsview.PageScore{{Slug: "first-heartbeat", Title: "First heartbeat", Yes: 12, No: 2}},
		Comments: []docsview.Comment{
			{At: utc("2025-10-13T12:00:00Z"), Slug: "first-heartbeat", Title: "First heartbeat", Text: "Which package has curl on Alpine?", By: "Jonas Becker"},
			{At: utc("2025-10-10T12:00:00Z"), Slug: "first-heartbeat", Title: "First heartbeat", Helpful: true, Text: "The bar made it click."},
		},
	}
}
