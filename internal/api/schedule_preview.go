package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/wire"
)

// scheduleQuery is the body of a schedule preview.
type scheduleQuery struct {
	_ struct{} `additionalProperties:"false"`

	Interval   *duration     `json:"interval,omitempty" doc:"Time between pings: 1 s to 366 d"`
	Cron       *stringOrList `json:"cron,omitempty" doc:"Cron expressions of five fields, as in crontab(5) of Debian; a ping is due when any of them is"`
	OnCalendar *stringOrList `json:"oncalendar,omitempty" doc:"Calendar expressions of systemd.time(7)"`
	Timezone   *string       `json:"timezone,omitempty" maxLength:"100" doc:"IANA name, such as Europe/Berlin. Default: the zone of the project"`
	After      *string       `json:"after,omitempty" format:"date-time" doc:"Start of the preview. Default: now"`
	Count      *int          `json:"count,omitempty" minimum:"1" maximum:"50" doc:"Number of slots in each direction. Default: 5"`
}

// stringOrList is a list of lines. A single line can be sent without a list.
type stringOrList []string

// UnmarshalJSON accepts a text or a list of texts.
func (l *stringOrList) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*l = stringOrList{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// list returns the lines for package manage, nil if the member is missing.
func (l *stringOrList) list() *[]string { return (*[]string)(l) }

// Schema describes the lines in the OpenAPI document.
func (stringOrList) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeArray, Items: text, MaxItems: new(50)}, text}}
}

// scheduleRoutes registers the schedule preview.
func (a *API) scheduleRoutes() {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "preview-schedule", Method: http.MethodPost, Path: "/schedules/preview", Tags: []string{"Heartbeats"},
		Summary:     "Preview a schedule",
		Description: "Set one of interval, cron and oncalendar. Nothing is stored, and a read-only key is sufficient. Errors name the line: body.cron[1] is the second.",
	}, body: a.schemaOf(reflect.TypeFor[scheduleQuery]()), example: exampleSchedule}, a.previewSchedule)
}

func (a *API) previewSchedule(_ context.Context, who auth.Actor, in *JSONBody) (*bodyResponse[client.SchedulePreview], error) {
	var q scheduleQuery
	found, err := decodeObject(in.RawBody, membersOf(&q))
	if err != nil {
		return nil, err
	}
	p, err := a.Service.PreviewSchedule(who, manage.ScheduleQuery{
		Interval: q.Interval.text(), Cron: q.Cron.list(), OnCalendar: q.OnCalendar.list(), Timezone: q.Timezone, After: q.After, Count: q.Count, Found: found,
	})
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.SchedulePreview]{wire.SchedulePreview(p.Preview, p.Location)}, nil
}
