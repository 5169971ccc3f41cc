package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/shape"
)

type runsQuery struct {
	HeartbeatPath
	Since time.Time `query:"since" doc:"Only slots at or after this moment"`
	PageQuery
}

// runRoutes registers the endpoint of what became of runs.
func (a *API) runRoutes(tag []string) {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-runs", Method: http.MethodGet, Path: "/heartbeats/{id}/runs", Tags: tag,
		Summary: "List what became of the runs of a heartbeat, newest first",
		Description: "Slots in a row with the same outcome are one item, day by day. What has passed by now is told, " +
			"also when no ping came since. 90 days and 2,000 items are kept. uptime counts the last 30 days, whatever is listed.",
		Errors: []int{http.StatusNotFound},
	}}, a.listRuns)
}

func (a *API) listRuns(ctx context.Context, who auth.Actor, in *runsQuery) (*bodyResponse[client.RunPage], error) {
	listing, up, err := a.Service.Runs(ctx, who, in.ID, manage.RunQuery{Since: in.Since, PageQuery: in.query()})
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.RunPage]{client.RunPage{
		Page: pageResponse(listing, shape.Run).Body, Uptime: client.Uptime{Expected: up.Expected, Good: up.Good},
	}}, nil
}
