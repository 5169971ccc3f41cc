package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"overdue/internal/web/view"
)

// APIPrefix is where the API lives, below the address of the installation.
const APIPrefix = "/api/v1"

// SpecPath is where its description is.
const SpecPath = APIPrefix + "/openapi.json"

// methodOrder are the methods in the order in which they are shown. A ping may come
// with three of them; GET and HEAD of a ping are not shown beside its POST.
var methodOrder = []string{"get", "post", "put", "patch", "delete"}

// pingTag is the tag of the paths that need no key.
const pingTag = "Pinging"

// Groups draws the reference. base is the address of the installation.
func (s *OpenAPI) Groups(base string) []view.OperationGroup {
	var all []view.OperationGroup
	for _, tag := range s.Tags {
		g := view.OperationGroup{ID: anchorID(tag.Name), Title: tag.Name, Description: tag.Description}
		for _, path := range slices.SortedFunc(maps.Keys(s.Paths), byDepth) {
			for _, verb := range methodOrder {
				op, exists := s.Paths[path][verb]
				if !exists || !slices.Contains(op.Tags, tag.Name) || tag.Name == pingTag && verb != "post" {
					continue
				}
				g.Operations = append(g.Operations, s.operation(base, path, verb, op))
			}
		}
		all = append(all, g)
	}
	return all
}

// byDepth puts a path before those below it.
func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
}

// operation draws one operation.
func (s *OpenAPI) operation(base, path, verb string, op specOperation) view.Operation {
	o := view.Operation{
		ID: op.OperationID, Method: strings.ToUpper(verb), Path: path, Summary: op.Summary, Details: op.Description,
		ReadOnly: verb == "get", NoKey: len(op.Security) == 0,
	}
	for _, p := range op.Parameters {
		o.Parameters = append(o.Parameters, view.Parameter{
			Name: p.Name, In: p.In, Type: s.typeName(p.Schema), Required: p.Required, Description: cmp.Or(p.Description, p.Schema.Description),
		})
	}
	media := op.RequestBody.Content["application/json"]
	body := s.resolve(media.Schema)
	for _, name := range slices.Sorted(maps.Keys(body.Properties)) {
		o.Body = append(o.Body, view.Parameter{
			Name: name, Type: s.typeName(body.Properties[name]), Required: slices.Contains(body.Required, name),
			Description: body.Properties[name].Description,
		})
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
		status, err := strconv.Atoi(code)
		if err != nil {
			continue // "default" and ranges say nothing that a reader could look up
		}
		o.Responses = append(o.Responses, view.Response{Status: status, Description: op.Responses[code].Description})
		if status < 300 && o.Answer == "" {
			o.Answer = indentJSON(s.example(op.Responses[code].Content["application/json"].Schema))
		}
	}
	o.Example = curlCommand(base+APIPrefix+path, o, media.Example)
	return o
}

// curlCommand is a request as a shell would send it.
func curlCommand(url string, o view.Operation, body json.RawMessage) string {
	lines := []string{"curl -sS"}
	if o.Method != "GET" && (o.Method != "POST" || body == nil) {
		lines[0] += " -X " + o.Method
	}
	lines[0] += " " + strings.NewReplacer("{id}", "ID", "{slug}", "SLUG", "{n}", "1", "{exit}", "0").Replace(url)
	if !o.NoKey {
		lines = append(lines, `-H "Authorization: Bearer $OVERDUE_API_KEY"`)
	}
	if body != nil {
		var short bytes.Buffer
		if json.Compact(&short, body) == nil {
			lines = append(lines, `-H "Content-Type: application/json"`, "-d '"+strings.ReplaceAll(short.String(), "'", `'\''`)+"'")
		}
	}
	return strings.Join(lines, " \\\n  ")
}

// indentJSON writes JSON for reading, empty when there is none.
func indentJSON(raw json.RawMessage) string {
	var out bytes.Buffer
	if raw == nil || json.Indent(&out, raw, "", "  ") != nil {
		return ""
	}
	return out.String()
}

// ReferenceSections are the operations as the search finds them.
func ReferenceSections(groups []view.OperationGroup) []Section {
	all := []Section{{slug: ReferenceSlug, page: referenceTitle, text: "Every path of the API, with its parameters and answers."}}
	for _, g := range groups {
		for _, o := range g.Operations {
			var words strings.Builder
			words.WriteString(o.Summary + ". " + o.Details)
			for _, p := range slices.Concat(o.Parameters, o.Body) {
				words.WriteString(" " + p.Name + ": " + p.Description + ".")
			}
			all = append(all, Section{
				slug: ReferenceSlug, page: referenceTitle, title: o.Method + " " + o.Path, id: "op-" + o.ID,
				text: strings.ReplaceAll(strings.Join(strings.Fields(words.String()), " "), "`", ""),
			})
		}
	}
	return all
}
