package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/wire"
)

type runsQuery struct {
	HeartbeatPath
	Since time.Time `query:"since" doc:"Only slots at or after this time"`
	PageQuery
}

// runRoutes registers the endpoint of runs.
func (a *API) runRoutes(tag []string) {
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-runs", Method: http.MethodGet, Path: "/heartbeats/{id}/runs", Tags: tag,
		Summary: "List the runs of a heartbeat, newest first",
		Description: "Consecutive slots of a day with the same outcome are one item. Slots that have passed are listed " +
			"even if no ping came since. By default, 400 days and at most 2,000 items are stored. uptime counts the last 30 days, independent of the filter.",
		Errors: []int{http.StatusNotFound},
	}}, a.listRuns)
}

func (a *API) listRuns(ctx context.Context, who auth.Actor, in *runsQuery) (*bodyResponse[client.RunPage], error) {
	list, up, err := a.Service.Runs(ctx, who, in.ID, manage.RunQuery{Since: in.Since, PageQuery: in.query()})
	page, err := pageResponse(list, err, wire.Run)
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.RunPage]{client.RunPage{Page: page.Body, Uptime: client.Uptime{Expected: up.Expected, Good: up.Good}}}, nil
}
