package api

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"overdue/internal/httpd"
	"overdue/internal/notify"
)

// documentDescription opens the document.
const documentDescription = `Create and change heartbeats, see their pings and incidents, and say who is told.

Send an API key as ` + "`Authorization: Bearer ovd_…`" + `. Keys belong to one project. A read-only key sees no id or URL that could ping: those are null, and ` + "`ref`" + ` works in place of the id. The pings need no key.

Times are RFC 3339 in UTC. Durations are answered as whole seconds, and taken as seconds or text (` + "`\"24h\"`, `\"10m\"`, `\"1d\"`, `\"PT5M\"`" + `). Lists come in pages: pass ` + "`next_cursor`" + ` as ` + "`cursor`" + ` until it is null. Answers may gain members; in requests unknown members and query parameters are errors that name them. Every refusal is ` + "`application/problem+json`" + ` (RFC 9457), and every answer carries ` + "`X-Request-Id`" + `.`

// OpenAPI returns the OpenAPI document of an API with these options, for those
// who draw it. Nothing is served and nothing is asked.
func OpenAPI(o Options) ([]byte, error) { return build(o).openAPI() }

// config is what the layer below is set to. Its own pages are off: one loads
// scripts from elsewhere, and the others would say things a second time.
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
					Description: "An API key, from the page API keys or from `overdue api-key create`.",
				}},
			},
			Tags: []*huma.Tag{
				{Name: "Heartbeats", Description: "Jobs that are expected to ping."},
				{Name: "Pinging", Description: "What jobs send. No key is needed: whoever knows the URL may ping."},
				{Name: "Pings", Description: "What jobs have sent."},
				{Name: "Incidents", Description: "Times in which a heartbeat was down."},
				{Name: "Channels", Description: "Ways to tell people."},
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

// errorResponse describes an answer that refuses.
func (a *API) errorResponse(status int) *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[httpd.Problem](), true, "")
	header := func(doc string) *huma.Header {
		return &huma.Header{Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	r := &huma.Response{
		Description: map[int]string{
			http.StatusBadRequest:            "The body is not a JSON object",
			http.StatusUnauthorized:          "No API key, or one that does not exist",
			http.StatusForbidden:             "The key is read-only",
			http.StatusNotFound:              "There is no such thing in the key's project",
			http.StatusRequestTimeout:        "The body came too slowly",
			http.StatusConflict:              "It clashes with what is there",
			http.StatusPreconditionFailed:    "The settings have changed since the ETag of If-Match was read",
			http.StatusRequestEntityTooLarge: "The body is larger than 256 kB",
			http.StatusUnsupportedMediaType:  "The body is not said to be JSON",
			http.StatusUnprocessableEntity:   "Members or parameters are wrong, each of them named",
			http.StatusTooManyRequests:       "Too many in a short time",
			http.StatusInternalServerError:   "Something went wrong on the server's side",
			http.StatusServiceUnavailable:    "The database is not available",
		}[status],
		Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
	}
	switch status {
	case http.StatusUnauthorized:
		r.Headers = map[string]*huma.Header{"WWW-Authenticate": header("Bearer")}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		r.Headers = map[string]*huma.Header{"Retry-After": header("Seconds until asking again may help")}
	}
	return r
}

// completeDocument mends what the layer below cannot say, and adds examples.
func (a *API) completeDocument() {
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	// Its own errors, which plainer turns into ours, are answered nowhere.
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, schema := range schemas {
		for _, property := range schema.Properties {
			documentNull(property)
		}
	}
	for _, about := range []string{"incident", "heartbeat"} {
		// A notice may be about neither, which a reference alone cannot say.
		notice := schemas["Notification"].Properties
		notice[about] = &huma.Schema{AnyOf: []*huma.Schema{notice[about], {Type: "null"}}}
	}
	documentChannelKinds(schemas["ChannelSettings"])
	for name, example := range examples() {
		schemas[name].Examples = []any{example}
	}
}

// documentNull makes a value that may be null say so everywhere: JSON Schema wants
// null among the values of an enum too, and among the alternatives.
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

// documentChannelKinds says which kinds of channel there are, and what each wants.
func documentChannelKinds(s *huma.Schema) {
	var text strings.Builder
	text.WriteString("What the kind needs to know. Secrets are write-only: they are answered as ••••.\n")
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

// settingType says how a setting is written in JSON.
func settingType(t notify.FieldType) string {
	switch t {
	case notify.FieldList:
		return "list of texts"
	case notify.FieldHeaders:
		return "object of texts"
	}
	return "text"
}
