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

type (
	groupsQuery struct {
		State string `query:"state" enum:"open,acknowledged,resolved" doc:"Only groups in this state"`
		PageQuery
	}
	GroupPath struct {
		Number int64 `path:"number" minimum:"1" doc:"Number of the group" example:"482"`
	}
	groupMembersQuery struct {
		GroupPath
		State string `query:"state" enum:"open,acknowledged,resolved" doc:"Only incidents in this state"`
		PageQuery
	}
	groupQuiet struct {
		GroupPath
		JSONBody
	}
)

// groupRoutes registers the endpoints of groups of incidents.
func (a *API) groupRoutes() {
	tag := []string{"Incident groups"}
	gone := []int{http.StatusNotFound}
	conflict := []int{http.StatusNotFound, http.StatusConflict}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-groups", Method: http.MethodGet, Path: "/incident-groups", Tags: tag, Summary: "List groups of incidents, newest first",
		Description: "Incidents that open within a minute of each other and share a host, a source address or a tag are one group. " +
			"A group takes incidents for at most two hours.",
	}}, a.listGroups)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-group", Method: http.MethodGet, Path: "/incident-groups/{number}", Tags: tag, Summary: "Get one group of incidents",
		Description: "Returns the group with the things that its incidents have in common, and the alerts about them.", Errors: gone,
	}}, a.getGroup)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-group-incidents", Method: http.MethodGet, Path: "/incident-groups/{number}/incidents", Tags: tag,
		Summary: "List the incidents of a group, newest first", Errors: gone,
	}}, a.listGroupIncidents)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "acknowledge-group", Method: http.MethodPost, Path: "/incident-groups/{number}/acknowledge", Tags: tag, Summary: "Acknowledge a group of incidents",
		Description: "Acknowledges its open incidents, and those that join it in the next two hours. Their openings are sent as always. Idempotent; " +
			"a group whose incidents are all resolved is a conflict.",
		Errors: conflict,
	}}, a.acknowledgeGroup)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "snooze-group", Method: http.MethodPost, Path: "/incident-groups/{number}/snooze", Tags: tag, Summary: "Snooze a group of incidents",
		Description: "Snoozes its open incidents. Those that join it later are not snoozed. A group without open incidents is a conflict.",
		Errors:      conflict,
	}, body: a.schemaOf(reflect.TypeFor[quietBody]()), example: map[string]any{"for": "2h"}}, a.snoozeGroup)
}

func (a *API) listGroups(ctx context.Context, who auth.Actor, in *groupsQuery) (*bodyResponse[client.Page[client.Group]], error) {
	list, err := a.Service.IncidentGroups(ctx, who, manage.GroupQuery{State: in.State, PageQuery: manage.PageQuery{Limit: in.Limit, Cursor: in.Cursor}})
	return pageResponse(list, err, func(g manage.GroupRow) client.Group { return wire.Group(g.IncidentGroup, g.GroupCounts) })
}

// groupResponse returns the response for the result of the service.
func groupResponse(d manage.GroupDetail, err error) (*bodyResponse[client.GroupDetail], error) {
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.GroupDetail]{wire.GroupDetail(wire.Group(d.IncidentGroup, d.GroupCounts), d.Facts, d.Channels)}, nil
}

func (a *API) getGroup(ctx context.Context, who auth.Actor, in *GroupPath) (*bodyResponse[client.GroupDetail], error) {
	return groupResponse(a.Service.IncidentGroup(ctx, who, in.Number))
}

func (a *API) listGroupIncidents(ctx context.Context, who auth.Actor, in *groupMembersQuery) (*bodyResponse[client.Page[client.Incident]], error) {
	m, err := a.Service.GroupMembers(ctx, who, in.Number, manage.GroupMembersQuery{State: in.State, Limit: in.Limit, Cursor: in.Cursor})
	return pageResponse(manage.ListPage[monitor.Incident]{Items: m.Rows, Next: m.Next}, err, func(i monitor.Incident) client.Incident {
		return wire.Incident(i, who.SeesPingURLs())
	})
}

func (a *API) acknowledgeGroup(ctx context.Context, who auth.Actor, in *GroupPath) (*bodyResponse[client.GroupDetail], error) {
	return groupResponse(a.Service.AcknowledgeGroup(ctx, who, in.Number))
}

func (a *API) snoozeGroup(ctx context.Context, who auth.Actor, in *groupQuiet) (*bodyResponse[client.GroupDetail], error) {
	q, err := quietPeriod(in.RawBody)
	if err != nil {
		return nil, err
	}
	return groupResponse(a.Service.SnoozeGroup(ctx, who, in.Number, q))
}
