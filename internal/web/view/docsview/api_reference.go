package docsview

import (
	"context"
	"html"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// APIReferencePage is the API reference, generated from the OpenAPI document.
type APIReferencePage struct {
	DocShell
	BaseURL  string // "https://overdue.example/api/v1"
	SpecPath string // address of the OpenAPI document
	Groups   []OperationGroup

	Before, After Link
	Answer        FeedbackAnswer
}

// OperationGroup has the operations on one resource.
type OperationGroup struct {
	ID, Title, Description string
	Operations             []Operation
}

// Operation is one method on one path.
type Operation struct {
	ID           string // unique; the anchor of the operation
	Method, Path string
	Summary      string
	Details      string
	ReadOnly     bool // a read-only key is sufficient
	NoKey        bool // no key is required
	Parameters   []Parameter
	Body         []Parameter
	Responses    []Response
	Example      string // an example request
	Answer       string // an example response
}

// Parameter is one input of an operation, in the path, the query or the body.
type Parameter struct {
	Name, In, Type string
	Required       bool
	Description    string
}

// Response is one response of an operation.
type Response struct {
	Status      int
	Description string
}

func (o Operation) codeID(part string) string { return "op-" + o.ID + "-" + part }

func (r Response) status() string { return strconv.Itoa(r.Status) }

// tone returns the colour of the method.
func (o Operation) tone() string { return strings.ToLower(o.Method) }

// access describes which key the operation requires.
func (o Operation) access() string {
	switch {
	case o.NoKey:
		return "No key"
	case o.ReadOnly:
		return "Any key"
	}
	return "Read-write key"
}

// formattedDescription renders a description: text in backquotes is code, and each
// line, such as a list item with a star, begins a new line.
func formattedDescription(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for i, line := range strings.Split(text, "\n") {
			if i > 0 && line != "" {
				b.WriteString("<br>")
			}
			for j, part := range strings.Split(strings.TrimPrefix(line, "* "), "`") {
				if j%2 == 1 {
					b.WriteString("<code>" + html.EscapeString(part) + "</code>")
				} else {
					b.WriteString(html.EscapeString(part))
				}
			}
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

func (p APIReferencePage) contents() []Heading {
	var all []Heading
	for _, g := range p.Groups {
		all = append(all, Heading{g.ID, g.Title})
	}
	return all
}
