package provider

import (
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// maxTeamsBody is the maximum size of a message in bytes: 28 kB (Microsoft Teams documentation, incoming webhooks, 2023).
const maxTeamsBody = 28_000

// teams starts a flow of Power Automate, which posts the card to a channel of Microsoft Teams.
func teams() Service {
	return Service{
		Name: "teams", Label: "Microsoft Teams", Group: GroupChat,
		Help: "Posts a card to a channel of Microsoft Teams, with a webhook of the Workflows app.",
		Setup: []string{
			"In Teams, open the menu (…) of the channel, and choose **Workflows**.",
			"Select the template **Send webhook alerts to a channel**, and save it.",
			"In the trigger of the workflow, set **Who can trigger the flow** to **Anyone**, and copy the URL.",
			"The workflow belongs to the person who creates it, and stops when that account is removed. Use an account that stays, or add a co-owner.",
			"Teams confirms that the workflow has started, not that the message arrived: check the channel after a test alert.",
		},
		Fields: []setting.Field{{
			Name: "url", Label: "Workflow URL", Type: setting.FieldURL, Secret: true, Destination: true, Required: true, Check: setting.WebURL,
			Placeholder: "https://….api.powerplatform.com/…",
			Help:        "The workflow belongs to a person and stops when that account is removed.",
		}},
		Can:    Abilities{Tested: TestedDocumented},
		Render: renderTeams, Interpret: interpretTeams,
	}
}

// renderTeams returns one request, with a card that is shortened until it fits.
func renderTeams(set setting.Values, n message.Notification) ([]Request, error) {
	m := n.Message()
	var r Request
	for _, parts := range partLimits {
		var err error
		r, err = newJSON(set.Text("url"), map[string]any{
			"type": "message",
			"attachments": []any{map[string]any{
				"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": teamsCard(parts.cut(m)),
			}},
		})
		if err != nil {
			return nil, err
		}
		if len(r.Body) <= maxTeamsBody {
			break
		}
	}
	return []Request{r}, nil
}

// teamsCard returns an Adaptive Card. It has RichTextBlocks, because TextBlocks and facts interpret Markdown, and a
// TextRun does not (Adaptive Cards schema 1.2).
func teamsCard(m message.Message) map[string]any {
	title := teamsRun(m.Subject)
	title["weight"], title["size"], title["color"] = "Bolder", "Medium", teamsColor(m.Tone)
	body := []any{teamsLine(title), teamsLine(teamsRuns(m.Lead)...)}
	if m.Description != "" {
		body = append(body, teamsLines(strings.Split(m.Description, "\n"), teamsRuns)...)
	}
	for _, f := range m.Facts {
		label := teamsRun(f.Label + ": ")
		label["weight"] = "Bolder"
		line := teamsLine(label, teamsRun(f.Value))
		line["spacing"] = "Small"
		body = append(body, line)
	}
	if m.Output != "" {
		label := teamsRun("Last output of the job:")
		label["weight"] = "Bolder"
		body = append(body, teamsLine(label))
		body = append(body, teamsLines(strings.Split(m.Output, "\n"), func(text string) []any {
			run := teamsRun(text)
			run["fontType"] = "Monospace"
			return []any{run}
		})...)
	}
	actions := []any{}
	for _, l := range m.Links {
		actions = append(actions, map[string]any{"type": "Action.OpenUrl", "title": l.Label, "url": l.URL})
	}
	return map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.2",
		"fallbackText": teamsText(m.Subject), "msteams": map[string]any{"width": "full"}, "body": body, "actions": actions,
	}
}

// teamsColor returns the color of the title.
func teamsColor(tone string) string {
	return map[string]string{"down": "Attention", "late": "Warning", "up": "Good", "quiet": "Default"}[tone]
}

// teamsText separates braces, which begin functions such as {{DATE(…)}}, and @ from names.
func teamsText(text string) string {
	return strings.NewReplacer("{{", "{\u200b{", "@", "@\u200b").Replace(text)
}

// teamsRun returns a text. Empty runs would be removed.
func teamsRun(text string) map[string]any {
	if text == "" {
		text = " "
	}
	return map[string]any{"type": "TextRun", "text": teamsText(text)}
}

// teamsRuns returns a text with addresses that open.
func teamsRuns(text string) []any {
	var runs []any
	last := 0
	for _, at := range webAddress.FindAllStringIndex(text, -1) {
		if at[0] > last {
			runs = append(runs, teamsRun(text[last:at[0]]))
		}
		address := text[at[0]:at[1]]
		run := teamsRun(address)
		run["selectAction"] = map[string]any{"type": "Action.OpenUrl", "url": address}
		runs, last = append(runs, run), at[1]
	}
	if last < len(text) || len(runs) == 0 {
		runs = append(runs, teamsRun(text[last:]))
	}
	return runs
}

// teamsLine returns a line.
func teamsLine(runs ...any) map[string]any {
	return map[string]any{"type": "RichTextBlock", "inlines": runs}
}

// teamsLines returns lines without space between them.
func teamsLines(lines []string, runs func(string) []any) []any {
	var all []any
	for i, text := range lines {
		line := teamsLine(runs(text)...)
		if i > 0 {
			line["spacing"] = "None"
		}
		all = append(all, line)
	}
	return all
}

// interpretTeams explains errors of the flow. 202 means that it has started.
func interpretTeams(r Response) Verdict {
	v := InterpretStatus(r)
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	isObject := decode(r.Body, &body)
	switch {
	case v.Sent && strings.HasPrefix(string(r.Body), "Webhook message delivery failed"):
		return Verdict{Detail: string(r.Body)} // old webhooks answer 200 if the channel rejects the message
	case v.Sent || !v.Permanent:
		return v
	case body.Error.Code == "WorkflowTriggerIsNotEnabled":
		v.Detail = "The workflow is turned off (WorkflowTriggerIsNotEnabled): turn it on in the Workflows app."
	case r.Status == 401 || r.Status == 403:
		v.Detail = "The workflow does not accept the request: set Who can trigger the flow to Anyone, and copy the URL again."
	case r.Status == 404 || r.Status == 410:
		v.Detail = "The workflow does not exist any more, for example because the account of its owner was removed: create it again with an account that stays."
	case isObject && body.Error.Message != "":
		v.Detail = "Teams answered: " + body.Error.Message
	}
	return v
}
