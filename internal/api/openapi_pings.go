package api

import (
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
)

// pingForms are the ways to ping, below /hb/{id}.
var pingForms = []struct{ below, id, summary, description string }{
	{"", "ping", "Say that the job succeeded", "Words of other monitors behind the id or as parameters, such as /complete or status=down, mean what they mean there. The heartbeat is up, whatever it was before, and an open incident is resolved. Only one that is paused and has manual_resume stays paused."},
	{"/start", "ping-start", "Say that the job began", "The run is measured up to the next success or failure. One that takes longer than max_run_time opens an incident."},
	{"/fail", "ping-fail", "Say that the job failed", "The heartbeat is down at once, and an incident opens."},
	{"/log", "ping-log", "Keep something in the log", "Neither a success nor a failure: the status stays as it is."},
	{"/{exit}", "ping-exit", "Say with which exit code the job ended", "0 is a success, 1 to 255 a failure, as in \"$PING_URL/$?\" right after the command."},
}

// documentPings documents the pings, which are taken elsewhere. They need no
// key and answer in plain text, because jobs send them with whatever they have.
func (a *API) documentPings() {
	for _, form := range pingForms {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodHead} {
			op := &huma.Operation{
				OperationID: form.id + map[string]string{http.MethodGet: "-get", http.MethodHead: "-head"}[method],
				Method:      method, Path: "/hb/{id}" + form.below, Tags: []string{"Pinging"},
				Summary: form.summary, Description: form.description,
				Parameters: pingParameters(form.below), Responses: pingResponses(),
				Security: []map[string][]string{},
			}
			if method == http.MethodPost {
				op.RequestBody = &huma.RequestBody{
					Description: "Output of the job, such as its end. Of any type; the first 100 kB are kept, or what arrives within 10 s. A JSON object or a form that says the outcome in the words of another monitor counts, unless the path or a parameter says it; the manual lists the words.",
					Content:     map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{}}},
				}
			}
			a.huma.OpenAPI().AddOperation(op)
		}
	}
	// Webhooks that we send are part of the contract too.
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[client.Notification](), true, "")
	a.huma.OpenAPI().Webhooks = map[string]*huma.PathItem{"alert": {Post: &huma.Operation{
		OperationID: "receive-alert", Tags: []string{"Channels"}, Summary: "An alert, as a webhook channel sends it",
		Description: "Signed per the Standard Webhooks specification: webhook-id is the alert id, and webhook-signature is made with the channel's secret.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}},
		Responses:   map[string]*huma.Response{"2XX": {Description: "Taken. Anything else is tried again, unless it cannot get better"}},
	}}}
}

// pingParameters are those of one way to ping.
func pingParameters(below string) []*huma.Param {
	uuid, text := &huma.Schema{Type: huma.TypeString, Format: "uuid"}, &huma.Schema{Type: huma.TypeString}
	params := []*huma.Param{
		{Name: "id", In: "path", Required: true, Description: "Id of the heartbeat", Schema: uuid},
		{Name: "rid", In: "query", Description: "Id of the run, to pair a start with its finish when runs overlap: any text, a new one for each run. Texts longer than 64 characters are replaced by a checksum", Schema: text},
	}
	if below == "/{exit}" {
		lowest, highest := 0.0, 255.0
		params = append(params, &huma.Param{
			Name: "exit", In: "path", Required: true, Description: "The job's exit code",
			Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: &lowest, Maximum: &highest},
		})
	}
	return params
}

// pingResponses are the answers to a ping: each one short line of text.
func pingResponses() map[string]*huma.Response {
	line := map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
	number := func(doc string) *huma.Header {
		return &huma.Header{Description: doc, Schema: &huma.Schema{Type: huma.TypeInteger}}
	}
	again := map[string]*huma.Header{"Retry-After": number("Seconds until asking again may help")}
	responses := map[string]*huma.Response{}
	for status, r := range map[int]*huma.Response{
		http.StatusOK: {
			Description: "OK: the ping is committed and on disk",
			Headers:     map[string]*huma.Header{"Ping-Body-Limit": number("How many bytes of a body are kept")},
		},
		http.StatusBadRequest:         {Description: "The id or the signal is malformed, an outcome is unknown, or two contradict each other; the text says which"},
		http.StatusNotFound:           {Description: "There is no such heartbeat"},
		http.StatusMethodNotAllowed:   {Description: "Not POST, GET or HEAD", Headers: map[string]*huma.Header{"Allow": {Schema: &huma.Schema{Type: huma.TypeString}}}},
		http.StatusTooManyRequests:    {Description: "Beyond the limit against abuse", Headers: again},
		http.StatusServiceUnavailable: {Description: "The ping could not be stored: send it again", Headers: again},
	} {
		r.Content = line
		responses[strconv.Itoa(status)] = r
	}
	return responses
}
