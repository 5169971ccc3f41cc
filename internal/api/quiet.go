package api

import (
	"bytes"
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
)

// quietBody is the body of a request that makes something quiet for a time.
type quietBody struct {
	_ struct{} `additionalProperties:"false"`

	For   *duration `json:"for,omitempty" nullable:"false" doc:"Duration from now, as seconds or as a text such as 2h"`
	Until *string   `json:"until,omitempty" nullable:"false" format:"date-time" doc:"Time at which it ends, instead of for"`
}

// heartbeatQuiet is a request about a heartbeat with a quietBody.
type heartbeatQuiet struct {
	HeartbeatPath
	JSONBody
}

// muteRoutes registers the endpoints that mute heartbeats.
func (a *API) muteRoutes(tag []string) {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "mute-heartbeat", Method: http.MethodPost, Path: "/heartbeats/{id}/mute", Tags: tag, Summary: "Mute the alerts of a heartbeat",
		Description: "The heartbeat is evaluated as always, and its incidents open and are resolved, but no opening, reminder or late alert is sent. " +
			"If it is still down at the end, the opening is sent then. With neither for nor until, it stays muted until it is unmuted. " +
			"Acknowledgements and resolutions are sent to channels that received the opening.",
		Errors: []int{http.StatusNotFound},
	}, body: a.schemaOf(reflect.TypeFor[quietBody]()), example: map[string]any{"for": "2h"}}, a.muteHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "unmute-heartbeat", Method: http.MethodPost, Path: "/heartbeats/{id}/unmute", Tags: tag, Summary: "Unmute a heartbeat",
		Description: "If it is down and its opening was not sent, the opening is sent at once.", Errors: []int{http.StatusNotFound},
	}}, a.unmuteHeartbeat)
}

// incidentQuiet is a request about an incident with a quietBody.
type incidentQuiet struct {
	IncidentPath
	JSONBody
}

// snoozeRoutes registers the endpoints that snooze incidents.
func (a *API) snoozeRoutes(tag []string) {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "snooze-incident", Method: http.MethodPost, Path: "/incidents/{id}/snooze", Tags: tag, Summary: "Snooze an incident",
		Description: "Sends no reminders until the end. If the incident is still open then, each channel is reminded once. Its acknowledgement and " +
			"resolution are sent as always. An acknowledged or resolved incident is a conflict.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, body: a.schemaOf(reflect.TypeFor[quietBody]()), example: map[string]any{"for": "2h"}}, a.snoozeIncident)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "unsnooze-incident", Method: http.MethodPost, Path: "/incidents/{id}/unsnooze", Tags: tag, Summary: "End the snooze of an incident",
		Description: "The reminder at the end of the snooze is sent at once. Idempotent.", Errors: []int{http.StatusNotFound},
	}}, a.unsnoozeIncident)
}

func (a *API) snoozeIncident(ctx context.Context, who auth.Actor, in *incidentQuiet) (*bodyResponse[client.IncidentDetail], error) {
	q, err := quietPeriod(in.RawBody)
	if err != nil {
		return nil, err
	}
	return incidentResponse(who)(a.Service.SnoozeIncident(ctx, who, in.ID, q))
}

func (a *API) unsnoozeIncident(ctx context.Context, who auth.Actor, in *IncidentPath) (*bodyResponse[client.IncidentDetail], error) {
	return incidentResponse(who)(a.Service.UnsnoozeIncident(ctx, who, in.ID))
}

// quietPeriod decodes a quietBody. An empty body is an empty object.
func quietPeriod(body []byte) (q manage.QuietPeriod, err error) {
	var b quietBody
	if len(bytes.TrimSpace(body)) == 0 {
		return q, nil
	}
	if q.InputFaults, err = decodeObject(body, membersOf(&b)); err != nil {
		return q, err
	}
	q.For, q.Until = b.For.text(), b.Until
	return q, nil
}

func (a *API) muteHeartbeat(ctx context.Context, who auth.Actor, in *heartbeatQuiet) (*etagResponse[client.Heartbeat], error) {
	q, err := quietPeriod(in.RawBody)
	if err != nil {
		return nil, err
	}
	return a.heartbeatResponse(who)(a.Service.MuteHeartbeat(ctx, who, in.ID, q))
}

func (a *API) unmuteHeartbeat(ctx context.Context, who auth.Actor, in *HeartbeatPath) (*etagResponse[client.Heartbeat], error) {
	return a.heartbeatResponse(who)(a.Service.UnmuteHeartbeat(ctx, who, in.ID))
}
