package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/wire"
)

// pingBaseURL returns the base of ping URLs, empty if the actor must not see them.
func (a *API) pingBaseURL(who auth.Actor) string {
	if who.SeesPingURLs() {
		return a.BaseURL
	}
	return ""
}

// heartbeatJSON converts a heartbeat.
func (a *API) heartbeatJSON(who auth.Actor, h monitor.Heartbeat) client.Heartbeat {
	return wire.Heartbeat(h, a.pingBaseURL(who), a.Service.Now())
}

// heartbeatURL returns the address of a heartbeat in the API. It contains the ref if the
// reader must not see the id.
func (a *API) heartbeatURL(h monitor.Heartbeat) string {
	id := h.ID
	if id == "" {
		id = h.Ref
	}
	return a.BaseURL + Prefix + "/heartbeats/" + id
}

// heartbeatRoutes registers the endpoints of heartbeats.
func (a *API) heartbeatRoutes() {
	settings := a.heartbeatSettings()
	tag := []string{"Heartbeats"}
	gone := []int{http.StatusNotFound}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-heartbeats", Method: http.MethodGet, Path: "/heartbeats", Tags: tag, Summary: "List heartbeats",
	}}, a.listHeartbeats)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "create-heartbeat", Method: http.MethodPost, Path: "/heartbeats", Tags: tag, Summary: "Create a heartbeat",
		Description:   "The response contains the ping URL. A new heartbeat alerts only after its first ping.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, body: settings, example: exampleSettings}, a.createHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "put-heartbeat", Method: http.MethodPut, Path: "/heartbeats/by-slug/{slug}", Tags: tag,
		Summary:     "Create a heartbeat, or change the one with this slug",
		Description: "Idempotent, so a deployment can repeat it. Missing members stay unchanged.",
		Responses:   map[string]*huma.Response{"201": {Description: "Created"}}, Errors: []int{http.StatusConflict, http.StatusPreconditionFailed},
	}, body: settings, example: exampleSettings}, a.putHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-heartbeat-by-slug", Method: http.MethodGet, Path: "/heartbeats/by-slug/{slug}", Tags: tag,
		Summary: "Get the heartbeat with this slug", Errors: gone,
	}}, a.getHeartbeatBySlug)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-heartbeat", Method: http.MethodGet, Path: "/heartbeats/{id}", Tags: tag, Summary: "Get one heartbeat", Errors: gone,
	}}, a.getHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "change-heartbeat", Method: http.MethodPatch, Path: "/heartbeats/{id}", Tags: tag, Summary: "Change a heartbeat",
		Description: "Missing members stay unchanged. A new schedule or grace period is evaluated at once, from the last ping on: an incident that it would not have opened is resolved.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}, body: settings, example: map[string]any{"grace": "30m"}}, a.changeHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "delete-heartbeat", Method: http.MethodDelete, Path: "/heartbeats/{id}", Tags: tag, Summary: "Delete a heartbeat",
		Description: "Its pings then get 404, and an open incident is resolved.", Errors: gone,
	}}, a.deleteHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "pause-heartbeat", Method: http.MethodPost, Path: "/heartbeats/{id}/pause", Tags: tag, Summary: "Pause a heartbeat",
		Description: "It is not monitored until it is resumed, by a request or, unless manual_resume is set, by a ping.", Errors: gone,
	}}, a.pauseHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "resume-heartbeat", Method: http.MethodPost, Path: "/heartbeats/{id}/resume", Tags: tag, Summary: "Resume a heartbeat",
		Description: "The interval counts from now.", Errors: gone,
	}}, a.resumeHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "explain-heartbeat", Method: http.MethodGet, Path: "/heartbeats/{id}/why", Tags: tag, Summary: "Explain the status of a heartbeat",
		Description: "Returns the arithmetic from the last ping to the deadline, and the decision.", Errors: gone,
	}}, a.explainHeartbeat)
	a.muteRoutes(tag)
	a.hostRoutes(tag)
	a.runRoutes(tag)
	a.documentPutCreated("/heartbeats/by-slug/{slug}")
}

// documentPutCreated documents that a PUT answers 201 with the same body as 200.
func (a *API) documentPutCreated(path string) {
	responses := a.huma.OpenAPI().Paths[path].Put.Responses
	responses["201"].Content, responses["201"].Headers = responses["200"].Content, responses["200"].Headers
}

func (a *API) listHeartbeats(ctx context.Context, who auth.Actor, in *heartbeatsQuery) (*bodyResponse[client.Page[client.Heartbeat]], error) {
	tags := slices.DeleteFunc(in.Tags, func(tag string) bool { return tag == "" })
	list, err := a.Service.Heartbeats(ctx, who, manage.HeartbeatListQuery{Status: in.Status, Tags: tags, Text: in.Q, Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor})
	return pageResponse(list, err, func(h monitor.Heartbeat) client.Heartbeat { return a.heartbeatJSON(who, h) })
}

func (a *API) createHeartbeat(ctx context.Context, who auth.Actor, in *JSONBody) (*createdResponse[client.Heartbeat], error) {
	e, err := heartbeatEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	h, err := a.Service.CreateHeartbeat(ctx, who, e)
	if err != nil {
		return nil, err
	}
	return &createdResponse[client.Heartbeat]{ETag: etag(manage.HeartbeatVersion(h)), Location: a.heartbeatURL(h), Body: a.heartbeatJSON(who, h)}, nil
}

func (a *API) putHeartbeat(ctx context.Context, who auth.Actor, in *heartbeatPut) (*putResponse[client.Heartbeat], error) {
	e, err := heartbeatEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	e.IfVersion = in.versions()
	h, isNew, err := a.Service.PutHeartbeat(ctx, who, in.Slug, e)
	if err != nil {
		return nil, err
	}
	out := &putResponse[client.Heartbeat]{Status: http.StatusOK, ETag: etag(manage.HeartbeatVersion(h)), Body: a.heartbeatJSON(who, h)}
	if isNew {
		out.Status, out.Location = http.StatusCreated, a.heartbeatURL(h)
	}
	return out, nil
}

func (a *API) changeHeartbeat(ctx context.Context, who auth.Actor, in *heartbeatPatch) (*etagResponse[client.Heartbeat], error) {
	e, err := heartbeatEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	e.IfVersion = in.versions()
	return a.heartbeatResponse(who)(a.Service.ChangeHeartbeat(ctx, who, in.ID, e))
}

// heartbeatResponse returns the response for the result of the service.
func (a *API) heartbeatResponse(who auth.Actor) func(monitor.Heartbeat, error) (*etagResponse[client.Heartbeat], error) {
	return func(h monitor.Heartbeat, err error) (*etagResponse[client.Heartbeat], error) {
		if err != nil {
			return nil, err
		}
		return &etagResponse[client.Heartbeat]{etag(manage.HeartbeatVersion(h)), a.heartbeatJSON(who, h)}, nil
	}
}

func (a *API) getHeartbeat(ctx context.Context, who auth.Actor, in *HeartbeatPath) (*etagResponse[client.Heartbeat], error) {
	return a.heartbeatResponse(who)(a.Service.Heartbeat(ctx, who, in.ID))
}

func (a *API) getHeartbeatBySlug(ctx context.Context, who auth.Actor, in *heartbeatSlugPath) (*etagResponse[client.Heartbeat], error) {
	return a.heartbeatResponse(who)(a.Service.HeartbeatBySlug(ctx, who, in.Slug))
}

func (a *API) pauseHeartbeat(ctx context.Context, who auth.Actor, in *HeartbeatPath) (*etagResponse[client.Heartbeat], error) {
	return a.heartbeatResponse(who)(a.Service.PauseHeartbeat(ctx, who, in.ID))
}

func (a *API) resumeHeartbeat(ctx context.Context, who auth.Actor, in *HeartbeatPath) (*etagResponse[client.Heartbeat], error) {
	return a.heartbeatResponse(who)(a.Service.ResumeHeartbeat(ctx, who, in.ID))
}

func (a *API) deleteHeartbeat(ctx context.Context, who auth.Actor, in *HeartbeatPath) (*emptyResponse, error) {
	return &emptyResponse{}, a.Service.DeleteHeartbeat(ctx, who, in.ID)
}

func (a *API) explainHeartbeat(ctx context.Context, who auth.Actor, in *HeartbeatPath) (*bodyResponse[client.Explanation], error) {
	h, hint, err := a.Service.ExplainHeartbeat(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.Explanation]{wire.Why(h, hint, a.Service.Now())}, nil
}
