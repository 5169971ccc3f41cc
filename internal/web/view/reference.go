package view

import (
	"strconv"
	"strings"
)

// ReferencePage is the manual's page on the API, drawn from its description.
type ReferencePage struct {
	Manual
	BaseURL string // "https://overdue.example/api/v1"
	Spec    string // address of the OpenAPI document
	Groups  []OperationGroup
}

// OperationGroup is the operations on one kind of thing.
type OperationGroup struct {
	ID, Title, About string
	Operations       []Operation
}

// Operation is one method on one path.
type Operation struct {
	ID           string // unique; the anchor of the operation
	Method, Path string
	Summary      string
	Details      string
	ReadOnly     bool // a read-only key is enough
	Parameters   []Parameter
	Body         []Parameter
	Responses    []Response
	Example      string // a request, ready to copy
	Answer       string // an example of the answer
}

// Parameter is one input of an operation, in the path, the query or the body.
type Parameter struct {
	Name, In, Type string
	Required       bool
	About          string
}

// Response is one answer of an operation.
type Response struct {
	Status int
	About  string
}

func (o Operation) codeID(part string) string { return "op-" + o.ID + "-" + part }

func (r Response) status() string { return strconv.Itoa(r.Status) }

// tone colours a method by what it may do.
func (o Operation) tone() string { return strings.ToLower(o.Method) }

// access says which key an operation needs.
func (o Operation) access() string {
	if o.ReadOnly {
		return "Any key"
	}
	return "Read-write key"
}

func (p ReferencePage) contents() []Heading {
	var all []Heading
	for _, g := range p.Groups {
		all = append(all, Heading{g.ID, g.Title})
	}
	return all
}
