package docsite

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// OpenAPI holds the parts of the OpenAPI document that the reference shows.
type OpenAPI struct {
	Tags []struct {
		Name, Description string
	}
	Paths      map[string]map[string]specOperation
	Components struct{ Schemas map[string]specSchema }
}

// specOperation is one method of one path.
type specOperation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Security                          []map[string][]string
	Parameters                        []specParameter
	RequestBody                       struct{ Content map[string]specMedia }
	Responses                         map[string]specResponse
}

type specParameter struct {
	Name, In, Description string
	Required              bool
	Schema                specSchema
}

type specResponse struct {
	Description string
	Content     map[string]specMedia
}

type specMedia struct {
	Schema  specSchema
	Example json.RawMessage
}

// specSchema is a schema, or a reference to one.
type specSchema struct {
	Ref         string `json:"$ref"`
	Type        specType
	Format      string
	Description string
	Enum        []any
	Items       *specSchema
	AnyOf       []specSchema
	Properties  map[string]specSchema
	Required    []string
	Examples    []json.RawMessage
}

// specType is the type of a value. JSON Schema allows one or several.
type specType []string

// UnmarshalJSON accepts "string" and ["string", "null"].
func (t *specType) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = specType{one}
		return nil
	}
	var several []string
	if err := json.Unmarshal(b, &several); err != nil {
		return fmt.Errorf("type %s: %w", b, err)
	}
	*t = several
	return nil
}

// ParseOpenAPI parses an OpenAPI document.
func ParseOpenAPI(document []byte) (*OpenAPI, error) {
	s := &OpenAPI{}
	if err := json.Unmarshal(document, s); err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return s, nil
}

// resolve follows a reference to a schema.
func (s *OpenAPI) resolve(schema specSchema) specSchema {
	if name, refers := strings.CutPrefix(schema.Ref, "#/components/schemas/"); refers {
		return s.Components.Schemas[name]
	}
	return schema
}

// typeName returns the type of a value for people: "string", "list of string", "any
// or post", "integer or string".
func (s *OpenAPI) typeName(schema specSchema) string {
	schema = s.resolve(schema)
	var kinds []string
	add := func(kind string) {
		for _, known := range kinds {
			if known == kind {
				return
			}
		}
		kinds = append(kinds, kind)
	}
	for _, other := range schema.AnyOf {
		add(s.typeName(other))
	}
	for _, value := range schema.Enum {
		if text, ok := value.(string); ok {
			add(strconv.Quote(text))
		}
	}
	for _, t := range schema.Type {
		switch {
		case t == "string" && len(schema.Enum) > 0:
		case t == "array" && schema.Items != nil:
			add("list of " + s.typeName(*schema.Items))
		default:
			add(t)
		}
	}
	return strings.Join(kinds, " or ")
}

// example returns an example of a schema, or nil. The example of a list page is
// made from the example of its items.
func (s *OpenAPI) example(schema specSchema) json.RawMessage {
	schema = s.resolve(schema)
	if len(schema.Examples) > 0 {
		return schema.Examples[0]
	}
	items, listed := schema.Properties["items"]
	if !listed || items.Items == nil {
		return nil
	}
	item := s.example(*items.Items)
	if item == nil {
		return nil
	}
	return fmt.Appendf(nil, `{"items": [%s], "next_cursor": null}`, item)
}
