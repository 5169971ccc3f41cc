package api

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// contractTransport validates every response against the OpenAPI
// document: path, method, status, content type and every member of the body.
type contractTransport struct {
	t        *testing.T
	fixture  *fixture
	next     http.RoundTripper
	document *huma.OpenAPI

	mu sync.Mutex // guards w.ids
}

// strictOpenAPI returns the document without additional members in responses:
// clients must accept more, but the server must not send more by mistake.
func strictOpenAPI(o Options) *huma.OpenAPI {
	document := build(o).huma.OpenAPI()
	for _, s := range document.Components.Schemas.Map() {
		if s.AdditionalProperties == true {
			s.AdditionalProperties = false
		}
	}
	return document
}

func (v *contractTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := v.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	what := r.Method + " " + r.URL.Path + " → " + resp.Status
	for _, complaint := range v.contractErrors(r.Method, r.URL, resp, body) {
		v.t.Errorf("%s: %s\n%s", what, complaint, body)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fixture.keys["read-only"] != "" && strings.HasSuffix(r.Header.Get("Authorization"), v.fixture.keys["read-only"]) {
		for _, id := range v.fixture.ids {
			if bytes.Contains(body, []byte(id)) || strings.Contains(resp.Header.Get("Location"), id) {
				v.t.Errorf("%s: shows the id %s to a read-only key\n%s", what, id, body)
			}
		}
		if bytes.Contains(body, []byte("/api/v1/hb/")) && !strings.HasSuffix(r.URL.Path, documentPath) {
			v.t.Errorf("%s: shows a ping URL to a read-only key\n%s", what, body)
		}
	}
	v.collectIDs(body)
	return resp, nil
}

// pingURL matches the id in a ping URL.
var pingURL = regexp.MustCompile(`/api/v1/hb/([0-9a-f-]{36})`)

// collectIDs collects the heartbeat ids of responses.
func (v *contractTransport) collectIDs(body []byte) {
	for _, found := range pingURL.FindAllSubmatch(body, -1) {
		v.fixture.ids = append(v.fixture.ids, string(found[1]))
	}
}

// notUTC matches a time that is not in UTC.
var notUTC = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+[+-]\d\d:\d\d"`)

// localTime matches the only member that is in another zone.
var localTime = regexp.MustCompile(`"local":"[^"]*"`)

// contractErrors lists the deviations from the document.
func (v *contractTransport) contractErrors(method string, u *url.URL, resp *http.Response, body []byte) []string {
	if resp.Header.Get("X-Request-Id") == "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		return []string{"lacks the headers of every answer"}
	}
	if notUTC.Match(localTime.ReplaceAll(body, nil)) {
		return []string{"tells a time that is not in UTC"}
	}
	path, rest := v.path(u.EscapedPath())
	if path == nil && rest == documentPath {
		return nil
	}
	var response *huma.Response
	switch {
	case path == nil:
		response = v.undocumented(resp, http.StatusNotFound)
	case operationOf(path, method) == nil && !(method == http.MethodHead && path.Get != nil):
		if response = v.undocumented(resp, http.StatusMethodNotAllowed); resp.Header.Get("Allow") == "" {
			return []string{"does not say what is allowed"}
		}
	default:
		op := operationOf(path, method)
		if op == nil {
			op = path.Get
		}
		response = op.Responses[strconv.Itoa(resp.StatusCode)]
	}
	if response == nil {
		return []string{"is a status that the document does not have"}
	}
	return v.content(response, method, resp, body)
}

// undocumented reports whether the response is right for an undocumented request.
func (v *contractTransport) undocumented(resp *http.Response, want int) *huma.Response {
	if resp.StatusCode != want {
		return nil
	}
	return v.document.Paths["/heartbeats"].Get.Responses["401"]
}

// content validates headers and body.
func (v *contractTransport) content(response *huma.Response, method string, resp *http.Response, body []byte) []string {
	var complaints []string
	if resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") == "" {
		complaints = append(complaints, "does not say how to authenticate")
	}
	if method == http.MethodHead {
		return complaints
	}
	if len(response.Content) == 0 {
		if len(body) > 0 {
			complaints = append(complaints, "has a body that the document does not have")
		}
		return complaints
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	media := response.Content[kind]
	if err != nil || media == nil {
		return append(complaints, "is of a type that the document does not have: "+resp.Header.Get("Content-Type"))
	}
	if !strings.HasSuffix(kind, "json") {
		return complaints
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return append(complaints, "is no JSON: "+err.Error())
	}
	var result huma.ValidateResult
	huma.Validate(v.document.Components.Schemas, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, &result)
	for _, err := range result.Errors {
		complaints = append(complaints, err.Error())
	}
	return complaints
}

// path finds the documented path of a request, a literal one before
// one with parameters.
func (v *contractTransport) path(escaped string) (*huma.PathItem, string) {
	rest, found := strings.CutPrefix(escaped, Prefix)
	if !found {
		return nil, escaped
	}
	if item := v.document.Paths[rest]; item != nil {
		return item, rest
	}
	parts := strings.Split(rest, "/")
	for template, item := range v.document.Paths {
		if validateJSON(strings.Split(template, "/"), parts) {
			return item, rest
		}
	}
	return nil, rest
}

// validateJSON reports whether the segments of a path match a template.
func validateJSON(template, parts []string) bool {
	if len(template) != len(parts) {
		return false
	}
	for i, part := range parts {
		if template[i] != part && (!strings.HasPrefix(template[i], "{") || part == "") {
			return false
		}
	}
	return true
}
