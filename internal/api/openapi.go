package api

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"overdue/internal/httpd"
	"overdue/internal/notify"
	"overdue/internal/notify/setting"
)

// documentDescription is the introduction of the OpenAPI document.
const documentDescription = `Create and change heartbeats and channels, and read pings and incidents.

Send an API key as ` + "`Authorization: Bearer ovd_…`" + `. Keys belong to one project. For a read-only key, ids and URLs that give the right to ping are null; use ` + "`ref`" + ` in place of the id. Pings need no key.

Times are RFC 3339 in UTC. Responses contain durations as whole seconds; requests can contain seconds or text (` + "`\"24h\"`, `\"10m\"`, `\"1d\"`, `\"PT5M\"`" + `). Lists are paginated: send ` + "`next_cursor`" + ` as ` + "`cursor`" + ` until it is null. Responses may get new members. Unknown members and query parameters of a request are errors. Every error is ` + "`application/problem+json`" + ` (RFC 9457), and every response has ` + "`X-Request-Id`" + `.`

// OpenAPI returns the OpenAPI document.
func OpenAPI(o Options) ([]byte, error) { return build(o).openAPI() }

// config returns the configuration of huma.
func (a *API) config() huma.Config {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Overdue", Version: a.Version, Description: documentDescription},
			Servers: []*huma.Server{{URL: a.BaseURL + Prefix}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"key": {
					Type: "http", Scheme: "bearer", BearerFormat: "ovd_…",
					Description: "An API key, created on the page API keys or with `overdue api-key create`.",
				}},
			},
			Tags: []*huma.Tag{
				{Name: "Heartbeats", Description: "Jobs that are expected to ping."},
				{Name: "Pinging", Description: "Requests of jobs. They need no key: the URL gives the right to ping."},
				{Name: "Pings", Description: "Received pings."},
				{Name: "Incidents", Description: "Periods in which a heartbeat was down."},
				{Name: "Incident groups", Description: "Incidents that opened together and have something in common."},
				{Name: "Blackouts", Description: "Times in which Overdue itself was not watching."},
				{Name: "Channels", Description: "Ways to notify people."},
				{Name: "Policies", Description: "The channels and the times of the alerts of an incident that is not acknowledged."},
				{Name: "Maintenance", Description: "Planned times in which expected runs are excused."},
				{Name: "Server", Description: "The server itself."},
			},
		},
		Formats:                      huma.DefaultFormats,
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{rewriteHumaError},
	}
	config.AllowAdditionalPropertiesByDefault = true
	return config
}

// errorResponse describes the error response with the given status.
func (a *API) errorResponse(status int) *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[httpd.Problem](), true, "")
	header := func(doc string) *huma.Header {
		return &huma.Header{Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	r := &huma.Response{
		Description: map[int]string{
			http.StatusBadRequest:            "The body is not a JSON object",
			http.StatusUnauthorized:          "The API key is missing, or does not exist",
			http.StatusForbidden:             "The key is read-only",
			http.StatusNotFound:              "The object does not exist in the project of the key",
			http.StatusRequestTimeout:        "The body did not arrive in time",
			http.StatusConflict:              "The request conflicts with the current state",
			http.StatusPreconditionFailed:    "The settings have changed since the ETag of If-Match was read",
			http.StatusRequestEntityTooLarge: "The body is larger than 256 kB",
			http.StatusUnsupportedMediaType:  "The content type of the body is not JSON",
			http.StatusUnprocessableEntity:   "Members or parameters are invalid; the errors name each of them",
			http.StatusTooManyRequests:       "Too many requests",
			http.StatusInternalServerError:   "The server has an internal error",
			http.StatusServiceUnavailable:    "The database is not available",
		}[status],
		Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
	}
	switch status {
	case http.StatusUnauthorized:
		r.Headers = map[string]*huma.Header{"WWW-Authenticate": header("Bearer")}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		r.Headers = map[string]*huma.Header{"Retry-After": header("Seconds after which to retry")}
	}
	return r
}

// completeDocument adds what huma cannot express, and examples.
func (a *API) completeDocument() {
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	// Errors of huma, which rewriteHumaError replaces, are never sent.
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, schema := range schemas {
		for _, property := range schema.Properties {
			documentNull(property)
		}
	}
	for _, about := range []string{"incident", "heartbeat"} {
		// A notification may concern neither, which a reference alone cannot express.
		notice := schemas["Notification"].Properties
		notice[about] = &huma.Schema{AnyOf: []*huma.Schema{notice[about], {Type: "null"}}}
	}
	documentChannelKinds(schemas["ChannelSettings"])
	for name, example := range examples() {
		schemas[name].Examples = []any{example}
	}
}

// documentNull adds null to the enum values and the alternatives of a nullable schema, as
// JSON Schema requires.
func documentNull(s *huma.Schema) {
	if !s.Nullable {
		return
	}
	if len(s.Enum) > 0 {
		s.Enum = append(s.Enum, nil)
	}
	if len(s.AnyOf) > 0 {
		s.Nullable = false
		s.AnyOf = append(s.AnyOf, &huma.Schema{Type: "null"})
	}
}

// documentChannelKinds describes the kinds of channel and their settings.
func documentChannelKinds(s *huma.Schema) {
	var text strings.Builder
	text.WriteString("Settings of the kind. Secrets are write-only: responses contain •••• in their place.\n")
	for _, k := range notify.Kinds() {
		s.Properties["kind"].Enum = append(s.Properties["kind"].Enum, k.Name)
		fmt.Fprintf(&text, "\n`%s`: %s\n", k.Name, k.Help)
		for _, f := range k.Fields {
			fmt.Fprintf(&text, "\n* `%s` (%s", f.Name, settingType(f.Type))
			if f.Required && f.Generate == nil {
				text.WriteString(", required")
			}
			fmt.Fprintf(&text, "): %s", f.Help)
		}
		text.WriteString("\n")
	}
	s.Properties["settings"].Description = text.String()
}

// settingType describes the JSON type of a setting.
func settingType(t setting.FieldType) string {
	switch t {
	case setting.FieldList:
		return "list of texts"
	case setting.FieldHeaders, setting.FieldLabels:
		return "object of texts"
	}
	return "text"
}
