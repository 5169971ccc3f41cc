package api

import (
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
)

// pingForms are the kinds of ping requests, below /hb/{id}.
var pingForms = []struct{ below, id, summary, description string }{
	{"", "ping", "Report success", "Words of other monitors after the id or as parameters, such as /complete or status=down, have the same meaning as there. The heartbeat becomes up, and an open incident is resolved. A paused heartbeat with manual_resume stays paused."},
	{"/start", "ping-start", "Report the start", "The run ends with the next success or failure. A run longer than max_run_time opens an incident."},
	{"/fail", "ping-fail", "Report a failure", "The heartbeat becomes down at once, and an incident opens."},
	{"/log", "ping-log", "Write to the log", "Neither a success nor a failure: the status does not change."},
	{"/{exit}", "ping-exit", "Report the exit code", "0 is a success, 1 to 255 is a failure, as in \"$PING_URL/$?\" right after the command."},
}

// documentPings documents the ping endpoints, which package ingest serves. They need no key
// and answer in plain text, so that jobs can use any HTTP client.
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
					Description: "Output of the job, of any type. The first 100 kB that arrive within 10 s are stored. A JSON object or a form can contain the outcome in the words of another monitor, if neither the path nor a parameter contains one; the manual lists the words.",
					Content:     map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{}}},
				}
			}
			a.huma.OpenAPI().AddOperation(op)
		}
	}
	// Webhooks that Overdue sends are part of the contract, too.
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[client.Notification](), true, "")
	a.huma.OpenAPI().Webhooks = map[string]*huma.PathItem{"alert": {Post: &huma.Operation{
		OperationID: "receive-alert", Tags: []string{"Channels"}, Summary: "An alert of a webhook channel",
		Description: "Signed according to the Standard Webhooks specification: webhook-id is the alert id, and the secret of the channel signs webhook-signature.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}},
		Responses:   map[string]*huma.Response{"2XX": {Description: "Accepted. Other statuses are retried, except permanent errors"}},
	}}}
}

// pingParameters returns the parameters of a kind of ping request.
func pingParameters(below string) []*huma.Param {
	uuid, text := &huma.Schema{Type: huma.TypeString, Format: "uuid"}, &huma.Schema{Type: huma.TypeString}
	params := []*huma.Param{
		{Name: "id", In: "path", Required: true, Description: "Id of the heartbeat", Schema: uuid},
		{Name: "host", In: "query", Description: "Name of the host of the run. A text longer than 100 bytes, and invisible characters, are replaced; a checksum keeps hosts different. Without it, the host is the address of the client", Schema: text},
		{Name: "rid", In: "query", Description: "Id of the run, which pairs a start with its finish if runs overlap: any text, different for each run. A text longer than 64 characters is replaced by a checksum", Schema: text},
	}
	if below == "/{exit}" {
		lowest, highest := 0.0, 255.0
		params = append(params, &huma.Param{
			Name: "exit", In: "path", Required: true, Description: "Exit code of the job",
			Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: &lowest, Maximum: &highest},
		})
	}
	return params
}

// pingResponses returns the responses to a ping: one short line of text each.
func pingResponses() map[string]*huma.Response {
	line := map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
	number := func(doc string) *huma.Header {
		return &huma.Header{Description: doc, Schema: &huma.Schema{Type: huma.TypeInteger}}
	}
	again := map[string]*huma.Header{"Retry-After": number("Seconds after which to retry")}
	responses := map[string]*huma.Response{}
	for status, r := range map[int]*huma.Response{
		http.StatusOK: {
			Description: "OK: the ping is stored on disk",
			Headers:     map[string]*huma.Header{"Ping-Body-Limit": number("Maximum number of bytes of a body that are stored")},
		},
		http.StatusBadRequest:         {Description: "The id or the signal is invalid, an outcome is unknown, or two outcomes conflict; the text says which"},
		http.StatusNotFound:           {Description: "There is no such heartbeat"},
		http.StatusMethodNotAllowed:   {Description: "Not POST, GET or HEAD", Headers: map[string]*huma.Header{"Allow": {Schema: &huma.Schema{Type: huma.TypeString}}}},
		http.StatusTooManyRequests:    {Description: "Too many requests", Headers: again},
		http.StatusServiceUnavailable: {Description: "The ping was not stored: send it again", Headers: again},
	} {
		r.Content = line
		responses[strconv.Itoa(status)] = r
	}
	return responses
}
