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
	"overdue/internal/shape"
)

// scheduleQuery is a schedule that somebody asks about.
type scheduleQuery struct {
	_ struct{} `additionalProperties:"false"`

	Interval   *duration     `json:"interval,omitempty" doc:"From one ping to the next: 1 s to 366 d"`
	Cron       *stringOrList `json:"cron,omitempty" doc:"Cron lines of five fields, as crontab(5) of Debian takes them; a ping is due when any of them is"`
	OnCalendar *stringOrList `json:"oncalendar,omitempty" doc:"Calendar expressions, as systemd.time(7) describes them"`
	Timezone   *string       `json:"timezone,omitempty" maxLength:"100" doc:"IANA name, such as Europe/Berlin. The zone of the project unless given"`
	After      *string       `json:"after,omitempty" format:"date-time" doc:"The moment to look from. Now unless given"`
	Count      *int          `json:"count,omitempty" minimum:"1" maximum:"50" doc:"How many slots in either direction. 5 unless given"`
}

// stringOrList are the lines of a schedule. A single one may be written without a list.
type stringOrList []string

// UnmarshalJSON takes a text or a list of texts.
func (l *stringOrList) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*l = stringOrList{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(l))
}

// list is what package manage takes, nil when nothing was given.
func (l *stringOrList) list() *[]string { return (*[]string)(l) }

// Schema describes it in the document.
func (stringOrList) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeArray, Items: text, MaxItems: new(50)}, text}}
}

// scheduleRoutes registers what can be asked about schedules.
func (a *API) scheduleRoutes() {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "preview-schedule", Method: http.MethodPost, Path: "/schedules/preview", Tags: []string{"Heartbeats"},
		Summary:     "Say what a schedule means",
		Description: "Give one of interval, cron and oncalendar. Nothing is kept, and a read-only key may ask. A line that cannot be read is named by its place: body.cron[1] is the second.",
	}, body: reflect.TypeFor[scheduleQuery](), example: exampleSchedule}, a.previewSchedule)
}

func (a *API) previewSchedule(_ context.Context, who auth.Actor, in *JSONBody) (*bodyResponse[client.SchedulePreview], error) {
	var q scheduleQuery
	found, err := decodeObject(in.RawBody, &q)
	if err != nil {
		return nil, err
	}
	p, err := a.Service.PreviewSchedule(who, manage.ScheduleQuery{
		Interval: q.Interval.text(), Cron: q.Cron.list(), OnCalendar: q.OnCalendar.list(), Timezone: q.Timezone, After: q.After, Count: q.Count, Found: found,
	})
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.SchedulePreview]{shape.SchedulePreview(p.Preview, p.Location)}, nil
}
