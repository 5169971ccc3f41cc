package api

import (
	"bytes"
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/wire"
)

type (
	pingsQuery struct {
		HeartbeatPath
		PageQuery
	}
	pingPath struct {
		HeartbeatPath
		N int64 `path:"n" minimum:"1" doc:"Number of the ping" example:"1042"`
	}
	pingBodyResponse struct {
		ContentType string `header:"Content-Type" hidden:"true"`
		Body        []byte
	}
)

// pingRoutes registers the endpoints of received pings.
func (a *API) pingRoutes() {
	tag := []string{"Pings"}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-pings", Method: http.MethodGet, Path: "/heartbeats/{id}/pings", Tags: tag,
		Summary:     "List the pings of a heartbeat, newest first",
		Description: "By default, the last 1,000 pings are stored, for up to 90 days.",
		Errors:      []int{http.StatusNotFound},
	}}, a.listPings)
	raw := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-ping-body", Method: http.MethodGet, Path: "/heartbeats/{id}/pings/{n}/body", Tags: tag,
		Summary:     "Get the body of a ping",
		Description: "Returns exactly the stored bytes: text/plain if they are valid UTF-8.",
		Errors:      []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {Description: "The body", Content: map[string]*huma.MediaType{
			"text/plain": {Schema: raw}, "application/octet-stream": {Schema: raw},
		}}},
	}}, a.getPingBody)
}

func (a *API) listPings(ctx context.Context, who auth.Actor, in *pingsQuery) (*bodyResponse[client.Page[client.Ping]], error) {
	h, list, err := a.Service.Pings(ctx, who, in.ID, in.query())
	bodies := a.heartbeatURL(h) + "/pings/"
	return pageResponse(list, err, func(p monitor.Ping) client.Ping { return wire.Ping(p, bodies) })
}

func (a *API) getPingBody(ctx context.Context, who auth.Actor, in *pingPath) (*pingBodyResponse, error) {
	p, err := a.Service.Ping(ctx, who, in.ID, in.N)
	if err != nil {
		return nil, err
	}
	out := &pingBodyResponse{ContentType: "application/octet-stream", Body: p.Body}
	if utf8.Valid(p.Body) && !bytes.ContainsRune(p.Body, 0) {
		out.ContentType = "text/plain; charset=utf-8"
	}
	if out.Body == nil {
		out.Body = []byte{}
	}
	return out, nil
}
