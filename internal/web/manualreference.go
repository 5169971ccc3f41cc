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

// apiPrefix is where the API lives, below the address of the installation.
const apiPrefix = "/api/v1"

// specPath is where its description is.
const specPath = apiPrefix + "/openapi.json"

// verbs are the methods in the order in which they are shown. A ping may come
// with three of them; GET and HEAD of a ping are not shown beside its POST.
var verbs = []string{"get", "post", "put", "patch", "delete"}

// pinging is the tag of the paths that need no key.
const pinging = "Pinging"

// groups draws the reference. base is the address of the installation.
func (s *spec) groups(base string) []view.OperationGroup {
	var all []view.OperationGroup
	for _, tag := range s.Tags {
		g := view.OperationGroup{ID: identifier(tag.Name), Title: tag.Name, About: tag.Description}
		for _, path := range slices.SortedFunc(maps.Keys(s.Paths), byLength) {
			for _, verb := range verbs {
				op, exists := s.Paths[path][verb]
				if !exists || !slices.Contains(op.Tags, tag.Name) || tag.Name == pinging && verb != "post" {
					continue
				}
				g.Operations = append(g.Operations, s.operation(base, path, verb, op))
			}
		}
		all = append(all, g)
	}
	return all
}

// byLength puts a path before those below it.
func byLength(a, b string) int {
	return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
}

// operation draws one operation.
func (s *spec) operation(base, path, verb string, op specOperation) view.Operation {
	o := view.Operation{
		ID: op.OperationID, Method: strings.ToUpper(verb), Path: path, Summary: op.Summary, Details: op.Description,
		ReadOnly: verb == "get", NoKey: len(op.Security) == 0,
	}
	for _, p := range op.Parameters {
		o.Parameters = append(o.Parameters, view.Parameter{
			Name: p.Name, In: p.In, Type: s.kind(p.Schema), Required: p.Required, About: cmp.Or(p.Description, p.Schema.Description),
		})
	}
	media := op.RequestBody.Content["application/json"]
	body := s.shape(media.Schema)
	for _, name := range slices.Sorted(maps.Keys(body.Properties)) {
		o.Body = append(o.Body, view.Parameter{
			Name: name, Type: s.kind(body.Properties[name]), Required: slices.Contains(body.Required, name),
			About: body.Properties[name].Description,
		})
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
		status, err := strconv.Atoi(code)
		if err != nil {
			continue // "default" and ranges say nothing that a reader could look up
		}
		o.Responses = append(o.Responses, view.Response{Status: status, About: op.Responses[code].Description})
		if status < 300 && o.Answer == "" {
			o.Answer = indented(s.example(op.Responses[code].Content["application/json"].Schema))
		}
	}
	o.Example = request(base+apiPrefix+path, o, media.Example)
	return o
}

// request is a request as a shell would send it.
func request(url string, o view.Operation, body json.RawMessage) string {
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

// indented writes JSON for reading, empty when there is none.
func indented(raw json.RawMessage) string {
	var out bytes.Buffer
	if raw == nil || json.Indent(&out, raw, "", "  ") != nil {
		return ""
	}
	return out.String()
}

// referenceSections are the operations as the search finds them.
func referenceSections(groups []view.OperationGroup) []docSection {
	all := []docSection{{slug: referenceSlug, page: referenceTitle, text: "Every path of the API, with its parameters and answers."}}
	for _, g := range groups {
		for _, o := range g.Operations {
			var words strings.Builder
			words.WriteString(o.Summary + ". " + o.Details)
			for _, p := range slices.Concat(o.Parameters, o.Body) {
				words.WriteString(" " + p.Name + ": " + p.About + ".")
			}
			all = append(all, docSection{
				slug: referenceSlug, page: referenceTitle, title: o.Method + " " + o.Path, id: "op-" + o.ID,
				text: strings.ReplaceAll(strings.Join(strings.Fields(words.String()), " "), "`", ""),
			})
		}
	}
	return all
}
