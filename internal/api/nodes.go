package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/wire"
)

// nodeRoutes registers the endpoints of nodes.
func (a *API) nodeRoutes() {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-nodes", Method: http.MethodGet, Path: "/nodes", Tags: []string{"Server"}, Summary: "List the nodes of the server, oldest first",
		Description: "Requires a read-write key. Nodes that died are listed for a day.",
	}}, a.listNodes)
}

func (a *API) listNodes(ctx context.Context, who auth.Actor, _ *struct{}) (*bodyResponse[client.Page[client.Node]], error) {
	list, err := a.Service.Nodes(ctx, who)
	return pageResponse(list, err, wire.Node)
}
