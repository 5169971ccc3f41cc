package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/wire"
)

// noteBody is the body of a request that adds a note.
type noteBody struct {
	_ struct{} `additionalProperties:"false"`

	Text *string `json:"text" required:"true" nullable:"false" minLength:"1" maxLength:"2000" doc:"The note"`
}

type (
	incidentsQuery struct {
		State     string `query:"state" enum:"open,acknowledged,resolved" doc:"Only incidents in this state"`
		Heartbeat string `query:"heartbeat" doc:"Only incidents of this heartbeat, by id or ref"`
		PageQuery
	}
	IncidentPath struct {
		ID string `path:"id" doc:"Id" example:"01998f7c-5a0e-7c11-9d53-2f6f3a1b8c4d"`
	}
	incidentNote struct {
		IncidentPath
		JSONBody
	}
)

// incidentRoutes registers the endpoints of incidents.
func (a *API) incidentRoutes() {
	tag := []string{"Incidents"}
	gone := []int{http.StatusNotFound}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-incidents", Method: http.MethodGet, Path: "/incidents", Tags: tag, Summary: "List incidents, newest first",
	}}, a.listIncidents)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-incident", Method: http.MethodGet, Path: "/incidents/{id}", Tags: tag, Summary: "Get one incident",
		Description: "Returns the incident with its timeline and deliveries.", Errors: gone,
	}}, a.getIncident)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "acknowledge-incident", Method: http.MethodPost, Path: "/incidents/{id}/acknowledge", Tags: tag, Summary: "Acknowledge an incident",
		Description: "Stops the reminders. Idempotent; a resolved incident is a conflict.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}}, a.acknowledgeIncident)
	a.snoozeRoutes(tag)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "add-note", Method: http.MethodPost, Path: "/incidents/{id}/notes", Tags: tag, Summary: "Add a note to an incident",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, body: a.schemaOf(reflect.TypeFor[noteBody]()), example: map[string]any{"text": "The provider is down; waiting for them."}}, a.addNote)
}

func (a *API) listIncidents(ctx context.Context, who auth.Actor, in *incidentsQuery) (*bodyResponse[client.Page[client.Incident]], error) {
	list, err := a.Service.Incidents(ctx, who, manage.IncidentListQuery{State: in.State, Heartbeat: in.Heartbeat, Limit: in.Limit, Cursor: in.Cursor})
	return pageResponse(list, err, func(i monitor.Incident) client.Incident { return wire.Incident(i, who.SeesPingURLs()) })
}

// incidentResponse returns the response for the result of the service.
func incidentResponse(who auth.Actor) func(manage.IncidentDetail, error) (*bodyResponse[client.IncidentDetail], error) {
	return func(d manage.IncidentDetail, err error) (*bodyResponse[client.IncidentDetail], error) {
		if err != nil {
			return nil, err
		}
		shown := client.IncidentDetail{
			Incident: wire.Incident(d.Incident, who.SeesPingURLs()), Timeline: []client.TimelineEntry{}, Deliveries: []client.Delivery{},
		}
		for _, e := range d.Timeline {
			shown.Timeline = append(shown.Timeline, client.TimelineEntry{At: e.At, Kind: e.Kind, Text: e.Text})
		}
		for _, delivery := range d.Deliveries {
			shown.Deliveries = append(shown.Deliveries, wire.Delivery(delivery))
		}
		return &bodyResponse[client.IncidentDetail]{shown}, nil
	}
}

func (a *API) getIncident(ctx context.Context, who auth.Actor, in *IncidentPath) (*bodyResponse[client.IncidentDetail], error) {
	return incidentResponse(who)(a.Service.Incident(ctx, who, in.ID))
}

func (a *API) acknowledgeIncident(ctx context.Context, who auth.Actor, in *IncidentPath) (*bodyResponse[client.IncidentDetail], error) {
	return incidentResponse(who)(a.Service.AcknowledgeIncident(ctx, who, in.ID))
}

func (a *API) addNote(ctx context.Context, who auth.Actor, in *incidentNote) (*bodyResponse[client.IncidentDetail], error) {
	var note noteBody
	found, err := decodeObject(in.RawBody, membersOf(&note))
	if err != nil {
		return nil, err
	}
	text := ""
	if note.Text != nil {
		text = *note.Text
	}
	return incidentResponse(who)(a.Service.AddNote(ctx, who, in.ID, text, found))
}
