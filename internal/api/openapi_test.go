package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"overdue/internal/notify"
)

// fetchOpenAPI returns the served document.
func fetchOpenAPI(t *testing.T) map[string]any {
	t.Helper()
	text, err := build(Options{BaseURL: testBaseURL, Version: "1.0.0"}).openAPI()
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

func TestOpenAPI_IsServedWithoutAKey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		r := w.request("none", "GET", "/api/v1/openapi.json", "")
		var document struct {
			OpenAPI string `json:"openapi"`
			Servers []struct{ URL string }
			Paths   map[string]map[string]any
		}
		if err := json.Unmarshal([]byte(r.body), &document); err != nil || r.status != 200 || r.header.Get("Content-Type") != "application/json" {
			t.Fatal(err, r.status)
		}
		if document.OpenAPI != "3.1.0" || document.Servers[0].URL != testBaseURL+"/api/v1" {
			t.Errorf("%+v", document)
		}
		for _, want := range []string{"/hb/{id}", "/hb/{id}/start", "/hb/{id}/fail", "/hb/{id}/log", "/hb/{id}/{exit}"} {
			for _, method := range []string{"get", "head", "post"} {
				if document.Paths[want][method] == nil {
					t.Errorf("%s %s is not described", method, want)
				}
			}
		}
	})
}

func TestOpenAPI_EveryReferenceResolves(t *testing.T) {
	document := fetchOpenAPI(t)
	schemas := document["components"].(map[string]any)["schemas"].(map[string]any)
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllSubmatch(text, -1) {
		if schemas[string(ref[1])] == nil {
			t.Errorf("there is no schema %s", ref[1])
		}
	}
	for name := range schemas {
		if !strings.Contains(string(text), `"#/components/schemas/`+name+`"`) {
			t.Errorf("nothing uses the schema %s", name)
		}
	}
}

func TestOpenAPI_EveryTypeIsAJSONSchemaType(t *testing.T) {
	types := []any{"string", "integer", "number", "boolean", "object", "array", "null"}
	walk(fetchOpenAPI(t), "", func(at string, object map[string]any) {
		switch kind := object["type"].(type) {
		case string:
			if !slices.Contains(types, any(kind)) && !strings.Contains(at, "securitySchemes") && !strings.Contains(at, "properties") {
				t.Errorf("%s: type %q", at, kind)
			}
		case []any:
			for _, k := range kind {
				if !slices.Contains(types, k) {
					t.Errorf("%s: type %v", at, kind)
				}
			}
			if enum, ok := object["enum"].([]any); ok && slices.Contains(kind, any("null")) && !slices.Contains(enum, nil) {
				t.Errorf("%s: may be null, but its values do not say so", at)
			}
		}
	})
}

// walk visits every object of a document.
func walk(value any, at string, visit func(string, map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		visit(at, v)
		for name, below := range v {
			walk(below, at+"/"+name, visit)
		}
	case []any:
		for i, below := range v {
			walk(below, fmt.Sprintf("%s/%d", at, i), visit)
		}
	}
}

func TestOpenAPI_EveryOperationIsDescribed(t *testing.T) {
	for path, item := range build(Options{BaseURL: testBaseURL}).huma.OpenAPI().Paths {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			op := operationOf(item, method)
			if op == nil {
				continue
			}
			if op.Summary == "" || op.OperationID == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s: lacks summary, id or tag", method, path)
			}
			for status, r := range op.Responses {
				if r.Description == "" {
					t.Errorf("%s %s: %s is not described", method, path, status)
				}
			}
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s %s: parameter %s is not described", method, path, p.Name)
				}
			}
			if strings.HasPrefix(path, "/hb/") {
				if op.Security == nil || len(op.Security) > 0 {
					t.Errorf("%s %s: wants a key", method, path)
				}
				continue
			}
			if op.Security == nil || op.Responses["401"] == nil || op.Responses["401"].Headers["WWW-Authenticate"] == nil {
				t.Errorf("%s %s: does not say that it wants a key", method, path)
			}
			if body := op.RequestBody; body != nil && (len(body.Content) != 1 || body.Content["application/json"].Example == nil) {
				t.Errorf("%s %s: its body is not JSON with an example", method, path)
			}
		}
	}
}

func TestOpenAPI_ExamplesMatchTheirSchemas(t *testing.T) {
	document := strictOpenAPI(Options{BaseURL: testBaseURL})
	schemas := document.Components.Schemas
	check := func(name string, schema *huma.Schema, example any) {
		text, err := json.Marshal(example)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		var result huma.ValidateResult
		huma.Validate(schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, &result)
		for _, err := range result.Errors {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, example := range examples() {
		check(name, schemas.Map()[name], example)
	}
	for path, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch} {
			if op != nil && op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil {
				check(path, op.RequestBody.Content["application/json"].Schema, op.RequestBody.Content["application/json"].Example)
			}
		}
	}
}

func TestOpenAPI_ANotificationMayHaveNoIncidentAndNoHeartbeat(t *testing.T) {
	properties := fetchOpenAPI(t)["components"].(map[string]any)["schemas"].(map[string]any)["Notification"].(map[string]any)["properties"].(map[string]any)
	for name, schema := range map[string]string{"incident": "Incident", "heartbeat": "Heartbeat"} {
		want := map[string]any{"anyOf": []any{map[string]any{"$ref": "#/components/schemas/" + schema}, map[string]any{"type": "null"}}}
		if diff := cmp.Diff(want, properties[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOpenAPI_NamesEveryChannelKindAndItsSettings(t *testing.T) {
	s := build(Options{BaseURL: testBaseURL}).huma.OpenAPI().Components.Schemas.Map()["ChannelSettings"]
	for _, k := range notify.Kinds() {
		if !slices.Contains(s.Properties["kind"].Enum, any(k.Name)) {
			t.Errorf("kind %s is not named", k.Name)
		}
		for _, f := range k.Fields {
			if !strings.Contains(s.Properties["settings"].Description, "`"+f.Name+"` (") {
				t.Errorf("setting %s of %s is not named", f.Name, k.Name)
			}
		}
	}
}

func TestOpenAPI_DescribesOnlyMembersThatAreRead(t *testing.T) {
	schemas := build(Options{BaseURL: testBaseURL}).huma.OpenAPI().Components.Schemas.Map()
	for name, members := range map[string][]member{
		"HeartbeatSettings": heartbeatMembers(), "ScheduleQuery": membersOf(&scheduleQuery{}), "ChannelSettings": membersOf(&channelSettings{}), "NoteBody": membersOf(&noteBody{}),
	} {
		if s := schemas[name]; s == nil || s.AdditionalProperties != false || len(s.Properties) != len(members) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
