package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/wire"
)

// BlackoutPath names a blackout.
type BlackoutPath struct {
	Number int64 `path:"number" minimum:"1" doc:"Number" example:"14"`
}

// blackoutRoutes registers the endpoints of blackouts.
func (a *API) blackoutRoutes() {
	tag := []string{"Blackouts"}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-blackouts", Method: http.MethodGet, Path: "/blackouts", Tags: tag, Summary: "List blackouts, newest first",
		Description: "Blackouts are times in which Overdue itself was not watching. They concern the whole server; the counts are those of the project.",
	}}, a.listBlackouts)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-blackout", Method: http.MethodGet, Path: "/blackouts/{number}", Tags: tag, Summary: "Get one blackout",
		Description: "Returns the blackout with the heartbeats of the project that it affected.", Errors: []int{http.StatusNotFound},
	}}, a.getBlackout)
}

// shownBlackout converts a blackout for an actor.
func shownBlackout(b manage.Blackout) client.Blackout {
	return wire.Blackout(b.Blackout, b.Counts, b.Detail)
}

func (a *API) listBlackouts(ctx context.Context, who auth.Actor, in *PageQuery) (*bodyResponse[client.Page[client.Blackout]], error) {
	list, err := a.Service.Blackouts(ctx, who, manage.PageQuery{Limit: in.Limit, Cursor: in.Cursor})
	return pageResponse(list, err, shownBlackout)
}

func (a *API) getBlackout(ctx context.Context, who auth.Actor, in *BlackoutPath) (*bodyResponse[client.BlackoutDetail], error) {
	d, err := a.Service.Blackout(ctx, who, in.Number)
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.BlackoutDetail]{wire.BlackoutDetail(d.Blackout.Blackout, d.Counts, d.Detail, d.Affected, who.SeesPingURLs())}, nil
}
