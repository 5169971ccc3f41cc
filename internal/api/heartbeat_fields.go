package api

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"overdue/internal/manage"
)

// heartbeatSettingsName is the name of the schema of a heartbeat's settings in the document.
const heartbeatSettingsName = "HeartbeatSettings"

// fieldTypes are the types that decode the JSON value of a field.
var fieldTypes = map[manage.FieldType]reflect.Type{
	manage.FieldText:     reflect.TypeFor[*string](),
	manage.FieldLongText: reflect.TypeFor[*string](),
	manage.FieldTime:     reflect.TypeFor[*string](),
	manage.FieldChoice:   reflect.TypeFor[*string](),
	manage.FieldTags:     reflect.TypeFor[*[]string](),
	manage.FieldChannels: reflect.TypeFor[*[]string](),
	manage.FieldDuration: reflect.TypeFor[*duration](),
	manage.FieldLines:    reflect.TypeFor[*stringOrList](),
	manage.FieldNumber:   reflect.TypeFor[*int](),
	manage.FieldSwitch:   reflect.TypeFor[*bool](),
}

// heartbeatMembers returns the members of the body of a request that creates or changes a
// heartbeat, in the order of [manage.HeartbeatFields].
func heartbeatMembers() []member {
	members := make([]member, 0, len(manage.HeartbeatFields))
	for _, f := range manage.HeartbeatFields {
		members = append(members, member{f.Name, reflect.New(fieldTypes[f.Type]).Elem(), f.Nullable})
	}
	return members
}

// heartbeatEdit decodes a body into an edit.
func heartbeatEdit(body []byte) (manage.HeartbeatEdit, error) {
	members := heartbeatMembers()
	faults, err := decodeObject(body, members)
	e := manage.HeartbeatEdit{InputFaults: faults}
	for i, f := range manage.HeartbeatFields {
		f.Set(&e, members[i].value.Interface())
	}
	return e, err
}

// heartbeatSettings adds the schema of a heartbeat's settings to the document and returns a
// reference to it.
func (a *API) heartbeatSettings() *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for _, f := range manage.HeartbeatFields {
		s.Properties[f.Name] = fieldSchema(f)
	}
	a.huma.OpenAPI().Components.Schemas.Map()[heartbeatSettingsName] = s
	return &huma.Schema{Ref: "#/components/schemas/" + heartbeatSettingsName}
}

// fieldSchema describes a field in the document.
func fieldSchema(f manage.HeartbeatField) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	switch f.Type {
	case manage.FieldText, manage.FieldLongText:
		s.MinLength, s.MaxLength, s.Pattern = limit(f.Min), limit(f.Max), f.Pattern
	case manage.FieldTags, manage.FieldChannels:
		s = &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, MaxItems: limit(f.Max)}
	case manage.FieldDuration:
		s = duration("").Schema(nil)
	case manage.FieldLines:
		s = stringOrList{}.Schema(nil)
	case manage.FieldNumber:
		s = &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64(f.Min)), Maximum: new(float64(f.Max))}
	case manage.FieldTime:
		s.Format = "date-time"
	case manage.FieldSwitch:
		s.Type = huma.TypeBoolean
	case manage.FieldChoice:
		for _, value := range f.Values() {
			s.Enum = append(s.Enum, value)
		}
	}
	s.Description, s.Nullable = f.Help, f.Nullable
	return s
}

// limit returns a limit for a schema, nil for none.
func limit(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
