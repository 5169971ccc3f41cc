package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
)

// hostBody names a host.
type hostBody struct {
	_ struct{} `additionalProperties:"false"`

	Host string `json:"host" doc:"Name of the host, as in hosts"`
}

// heartbeatHost is a request about a host of a heartbeat.
type heartbeatHost struct {
	HeartbeatPath
	JSONBody
}

// hostRoutes registers the endpoints of the hosts of heartbeats.
func (a *API) hostRoutes(tag []string) {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "forget-host", Method: http.MethodPost, Path: "/heartbeats/{id}/forget-host", Tags: tag, Summary: "Forget a host of a heartbeat",
		Description: "The host is no longer expected. If the other hosts are enough, the open incident is resolved. A later ping of the host adds it again.",
		Errors:      []int{http.StatusNotFound},
	}, body: a.schemaOf(reflect.TypeFor[hostBody]()), example: map[string]any{"host": "web1"}}, a.forgetHost)
}

func (a *API) forgetHost(ctx context.Context, who auth.Actor, in *heartbeatHost) (*etagResponse[client.Heartbeat], error) {
	var b hostBody
	faults, err := decodeObject(in.RawBody, membersOf(&b))
	if err == nil && len(faults) > 0 {
		err = faults
	}
	if err != nil {
		return nil, err
	}
	return a.heartbeatResponse(who)(a.Service.ForgetHost(ctx, who, in.ID, b.Host))
}
