package docsite

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"overdue/internal/web/view/docsview"
)

// APIPrefix is the path of the API below the base URL.
const APIPrefix = "/api/v1"

// SpecPath is the path of the OpenAPI document.
const SpecPath = APIPrefix + "/openapi.json"

// methodOrder is the order of the methods. A ping accepts three methods; the
// reference shows only POST.
var methodOrder = []string{"get", "post", "put", "patch", "delete"}

// pingTag is the tag of the operations that need no API key.
const pingTag = "Pinging"

// Groups returns the operations of the reference, grouped by tag. base is the base
// URL of the installation.
func (s *OpenAPI) Groups(base string) []docsview.OperationGroup {
	var all []docsview.OperationGroup
	for _, tag := range s.Tags {
		g := docsview.OperationGroup{ID: anchorID(tag.Name), Title: tag.Name, Description: tag.Description}
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

// byDepth sorts a path before the paths below it.
func byDepth(a, b string) int {
	return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
}

// operation returns one operation of the reference.
func (s *OpenAPI) operation(base, path, verb string, op specOperation) docsview.Operation {
	o := docsview.Operation{
		ID: op.OperationID, Method: strings.ToUpper(verb), Path: path, Summary: op.Summary, Details: op.Description,
		ReadOnly: verb == "get", NoKey: len(op.Security) == 0,
	}
	for _, p := range op.Parameters {
		o.Parameters = append(o.Parameters, docsview.Parameter{
			Name: p.Name, In: p.In, Type: s.typeName(p.Schema), Required: p.Required, Description: cmp.Or(p.Description, p.Schema.Description),
		})
	}
	media := op.RequestBody.Content["application/json"]
	body := s.resolve(media.Schema)
	for _, name := range slices.Sorted(maps.Keys(body.Properties)) {
		o.Body = append(o.Body, docsview.Parameter{
			Name: name, Type: s.typeName(body.Properties[name]), Required: slices.Contains(body.Required, name),
			Description: body.Properties[name].Description,
		})
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
		status, err := strconv.Atoi(code)
		if err != nil {
			continue // "default" and ranges are not shown
		}
		o.Responses = append(o.Responses, docsview.Response{Status: status, Description: op.Responses[code].Description})
		if status < 300 && o.Answer == "" {
			o.Answer = indentJSON(s.example(op.Responses[code].Content["application/json"].Schema))
		}
	}
	o.Example = curlCommand(base+APIPrefix+path, o, media.Example)
	return o
}

// curlCommand returns the curl command of an operation.
func curlCommand(url string, o docsview.Operation, body json.RawMessage) string {
	lines := []string{"curl -sS"}
	if o.Method != "GET" && (o.Method != "POST" || body == nil) {
		lines[0] += " -X " + o.Method
	}
	lines[0] += " " + strings.NewReplacer("{id}", "ID", "{slug}", "SLUG", "{policy}", "nights", "{n}", "1", "{number}", "14", "{exit}", "0").Replace(url)
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

// indentJSON formats JSON, and returns "" for none.
func indentJSON(raw json.RawMessage) string {
	var out bytes.Buffer
	if raw == nil || json.Indent(&out, raw, "", "  ") != nil {
		return ""
	}
	return out.String()
}

// ReferenceSections returns the operations as sections of the search.
func ReferenceSections(groups []docsview.OperationGroup) []Section {
	all := []Section{{slug: ReferenceSlug, page: referenceTitle, text: "Every operation of the API, with its parameters and responses."}}
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
