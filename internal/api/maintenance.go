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
	"overdue/internal/wire"
)

// maintenanceSettings is the body of a request that creates or changes a maintenance.
type maintenanceSettings struct {
	_ struct{} `additionalProperties:"false"`

	Reason     *string       `json:"reason,omitempty" minLength:"1" maxLength:"100" doc:"What is done, for people. Required in a new maintenance"`
	All        *bool         `json:"all,omitempty" doc:"For all heartbeats of the project. Default: false"`
	Tags       *[]string     `json:"tags,omitempty" nullable:"false" doc:"For heartbeats with one of these tags, also those that get it later"`
	Heartbeats *[]string     `json:"heartbeats,omitempty" nullable:"false" maxItems:"100" doc:"For these heartbeats: ids or refs"`
	From       *string       `json:"from,omitempty" nullable:"false" format:"date-time" doc:"Start of the window, or the time before which no recurring window starts. Default: now"`
	To         *string       `json:"to,omitempty" nullable:"true" doc:"End of the window, in place of duration. If it recurs: no window starts at or after it; null: it recurs without an end"`
	Duration   *duration     `json:"duration,omitempty" nullable:"false" doc:"How long the window, or each recurring window, lasts: 1 min to 90 d, or 7 d if it recurs"`
	Cron       *stringOrList `json:"cron,omitempty" nullable:"false" doc:"Starts of recurring windows: cron expressions"`
	OnCalendar *stringOrList `json:"oncalendar,omitempty" nullable:"false" doc:"Starts of recurring windows: calendar expressions of systemd.time(7)"`
	Timezone   *string       `json:"timezone,omitempty" doc:"Time zone of cron and oncalendar. Default: that of the project"`
}

// maintenanceEdit decodes a body into an edit.
func maintenanceEdit(body []byte) (manage.MaintenanceEdit, error) {
	var s maintenanceSettings
	found, err := decodeObject(body, membersOf(&s))
	return manage.MaintenanceEdit{
		Reason: s.Reason, All: s.All, Tags: s.Tags, Heartbeats: s.Heartbeats, From: s.From, To: s.To, Duration: s.Duration.text(),
		Cron: (*[]string)(s.Cron), OnCalendar: (*[]string)(s.OnCalendar), Timezone: s.Timezone, InputFaults: found,
	}, err
}

type (
	MaintenancePath struct {
		ID string `path:"id" doc:"Id" example:"01998f7c-5a0e-7c11-9d53-2f6f3a1b8c4d"`
	}
	maintenancePatch struct {
		MaintenancePath
		IfMatch
		JSONBody
	}
	maintenanceExtension struct {
		MaintenancePath
		JSONBody
	}
)

// extendBody is the body of a request that extends a window.
type extendBody struct {
	_ struct{} `additionalProperties:"false"`

	For *duration `json:"for,omitempty" nullable:"false" doc:"How much later it ends. Default: 30 min"`
}

// maintenanceRoutes registers the endpoints of maintenance.
func (a *API) maintenanceRoutes() {
	settings := a.schemaOf(reflect.TypeFor[maintenanceSettings]())
	tag := []string{"Maintenance"}
	gone := []int{http.StatusNotFound}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-maintenance", Method: http.MethodGet, Path: "/maintenance", Tags: tag, Summary: "List maintenance, oldest first",
	}}, a.listMaintenance)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "create-maintenance", Method: http.MethodPost, Path: "/maintenance", Tags: tag, Summary: "Create a maintenance",
		Description:   "When the request is answered, runs that are due in its windows are excused. A deadline that passed before is not.",
		DefaultStatus: http.StatusCreated,
	}, body: settings, example: exampleMaintenance}, a.createMaintenance)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-maintenance", Method: http.MethodGet, Path: "/maintenance/{id}", Tags: tag, Summary: "Get one maintenance", Errors: gone,
	}}, a.getMaintenance)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "change-maintenance", Method: http.MethodPatch, Path: "/maintenance/{id}", Tags: tag, Summary: "Change a maintenance",
		Description: "Missing members stay unchanged. The past does not change.", Errors: []int{http.StatusNotFound, http.StatusPreconditionFailed},
	}, body: settings, example: map[string]any{"duration": "3h"}}, a.changeMaintenance)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "end-maintenance", Method: http.MethodPost, Path: "/maintenance/{id}/end", Tags: tag, Summary: "End the window in progress",
		Description: "Later windows of a recurring maintenance stay. If no window is in progress, it is a conflict.", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}}, a.endMaintenance)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "extend-maintenance", Method: http.MethodPost, Path: "/maintenance/{id}/extend", Tags: tag, Summary: "Extend the window in progress",
		Description: "Later windows of a recurring maintenance stay. If no window is in progress, it is a conflict.", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, body: a.schemaOf(reflect.TypeFor[extendBody]()), example: map[string]any{"for": "30m"}}, a.extendMaintenance)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "delete-maintenance", Method: http.MethodDelete, Path: "/maintenance/{id}", Tags: tag, Summary: "Delete a maintenance",
		Description: "A window in progress ends. The past does not change.", Errors: gone,
	}}, a.deleteMaintenance)
}

// shownMaintenance converts a maintenance.
func shownMaintenance(w manage.MaintenanceView) client.Maintenance {
	return wire.Maintenance(w.Maintenance, w.Named, w.At)
}

func (a *API) listMaintenance(ctx context.Context, who auth.Actor, _ *struct{}) (*bodyResponse[client.Page[client.Maintenance]], error) {
	list, err := a.Service.Maintenances(ctx, who)
	return pageResponse(manage.ListPage[manage.MaintenanceView]{Items: list}, err, shownMaintenance)
}

func (a *API) createMaintenance(ctx context.Context, who auth.Actor, in *JSONBody) (*createdResponse[client.Maintenance], error) {
	e, err := maintenanceEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	w, err := a.Service.CreateMaintenance(ctx, who, e)
	if err != nil {
		return nil, err
	}
	return &createdResponse[client.Maintenance]{
		ETag: etag(manage.MaintenanceVersion(w.Maintenance)), Location: a.BaseURL + Prefix + "/maintenance/" + w.ID, Body: shownMaintenance(w),
	}, nil
}

// maintenanceResponse returns the response for the result of the service.
func maintenanceResponse(w manage.MaintenanceView, err error) (*etagResponse[client.Maintenance], error) {
	if err != nil {
		return nil, err
	}
	return &etagResponse[client.Maintenance]{etag(manage.MaintenanceVersion(w.Maintenance)), shownMaintenance(w)}, nil
}

func (a *API) getMaintenance(ctx context.Context, who auth.Actor, in *MaintenancePath) (*etagResponse[client.Maintenance], error) {
	return maintenanceResponse(a.Service.Maintenance(ctx, who, in.ID))
}

func (a *API) changeMaintenance(ctx context.Context, who auth.Actor, in *maintenancePatch) (*etagResponse[client.Maintenance], error) {
	e, err := maintenanceEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	e.IfVersion = in.versions()
	return maintenanceResponse(a.Service.ChangeMaintenance(ctx, who, in.ID, e))
}

func (a *API) endMaintenance(ctx context.Context, who auth.Actor, in *MaintenancePath) (*etagResponse[client.Maintenance], error) {
	return maintenanceResponse(a.Service.EndMaintenance(ctx, who, in.ID))
}

func (a *API) extendMaintenance(ctx context.Context, who auth.Actor, in *maintenanceExtension) (*etagResponse[client.Maintenance], error) {
	var b extendBody
	by := "30m"
	if len(bytes.TrimSpace(in.RawBody)) > 0 {
		faults, err := decodeObject(in.RawBody, membersOf(&b))
		if err != nil {
			return nil, err
		}
		if len(faults) > 0 {
			return nil, faults
		}
	}
	if b.For != nil {
		by = string(*b.For)
	}
	return maintenanceResponse(a.Service.ExtendMaintenance(ctx, who, in.ID, by))
}

func (a *API) deleteMaintenance(ctx context.Context, who auth.Actor, in *MaintenancePath) (*emptyResponse, error) {
	return &emptyResponse{}, a.Service.DeleteMaintenance(ctx, who, in.ID)
}
