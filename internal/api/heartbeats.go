package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/shape"
)

// heartbeatSettings is what a request may say of a heartbeat.
type heartbeatSettings struct {
	_ struct{} `additionalProperties:"false"`

	Name         *string       `json:"name,omitempty" minLength:"1" maxLength:"100" doc:"For people. Required when creating, but with PUT, where the slug is its default"`
	Slug         *string       `json:"slug,omitempty" maxLength:"100" pattern:"^[a-z0-9]+([-_.][a-z0-9]+)*$" doc:"Unique in the project. Made from the name unless given"`
	Description  *string       `json:"description,omitempty" maxLength:"5000" doc:"Where it runs, who owns it, what to do when it is down. Told with its alerts"`
	Tags         *[]string     `json:"tags,omitempty" maxItems:"20" doc:"Each of up to 50 characters"`
	Interval     *duration     `json:"interval,omitempty" nullable:"true" doc:"From one ping to the next: 1 s to 366 d. One of interval, cron and oncalendar is required when creating; the one that is given replaces another"`
	Cron         *stringOrList `json:"cron,omitempty" nullable:"true" doc:"Lines of five fields, as of a crontab, or words such as @daily"`
	OnCalendar   *stringOrList `json:"oncalendar,omitempty" nullable:"true" doc:"Calendar expressions of systemd, such as Mon..Fri 03:00"`
	Timezone     *string       `json:"timezone,omitempty" nullable:"true" doc:"IANA name of the zone of cron or oncalendar. An old name such as US/Eastern is kept as it is. Null: the project's"`
	Early        *duration     `json:"early,omitempty" nullable:"true" doc:"How long before its slot a ping counts for it, 0 for not at all. Null: the smallest of the grace period, a quarter of the gap before the slot, and 5 min. No effect with an interval"`
	Grace        *duration     `json:"grace,omitempty" doc:"How late a ping may be before an incident opens: 0 s to 366 d. 5 min unless given"`
	MaxRunTime   *duration     `json:"max_run_time,omitempty" nullable:"true" doc:"How long a run may take from its start: 1 s to 366 d. Null: as long as the grace period"`
	MinRunTime   *duration     `json:"min_run_time,omitempty" nullable:"true" doc:"A success whose measured run time is shorter is a bad run"`
	StartGrace   *duration     `json:"start_grace,omitempty" nullable:"true" doc:"How long after it is due a run must have begun, or come. Null: only the grace period counts"`
	AlertAfter   *int          `json:"alert_after,omitempty" minimum:"1" maximum:"100" doc:"The how-manieth bad run in a row opens an incident. 1 unless given"`
	Methods      *string       `json:"methods,omitempty" enum:"any,post" doc:"Which request methods count as pings. any unless given; with post the others are only logged"`
	ManualResume *bool         `json:"manual_resume,omitempty" doc:"A ping does not resume it from a pause. false unless given"`
	Channels     *[]string     `json:"channels,omitempty" nullable:"true" doc:"Ids of the channels that are told. Null: all of the project"`

	ExpectFirstBy *string `json:"expect_first_by,omitempty" nullable:"true" format:"date-time" doc:"A new heartbeat without a first ping by then is an incident. It lies ahead when it is set"`
}

// heartbeatEdit reads the settings from a body.
func heartbeatEdit(body []byte) (manage.HeartbeatEdit, error) {
	var s heartbeatSettings
	found, err := decodeObject(body, &s)
	return manage.HeartbeatEdit{
		Name: s.Name, Slug: s.Slug, Description: s.Description, Tags: s.Tags,
		Interval: s.Interval.text(), Cron: s.Cron.list(), OnCalendar: s.OnCalendar.list(), Timezone: s.Timezone, Early: s.Early.text(),
		Grace: s.Grace.text(), MaxRunTime: s.MaxRunTime.text(), MinRunTime: s.MinRunTime.text(), StartGrace: s.StartGrace.text(),
		AlertAfter: s.AlertAfter, ExpectFirstBy: s.ExpectFirstBy, Methods: s.Methods, ManualResume: s.ManualResume,
		Channels: s.Channels, InputFaults: found,
	}, err
}

// The parts of requests. Those that are embedded have exported names, because
// the layer below does not look into others.
type (
	PageQuery struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items"`
		Cursor string `query:"cursor" doc:"The next_cursor of the page before"`
	}
	heartbeatsQuery struct {
		Status string `query:"status" enum:"new,up,late,down,paused" doc:"Only those with this status"`
		Tag    string `query:"tag" doc:"Only those with this tag"`
		Q      string `query:"q" doc:"Only those with this text in name, slug, description or a tag"`
		Sort   string `query:"sort" enum:"name,created,due" default:"name" doc:"The order; due puts first what happens next"`
		PageQuery
	}
	HeartbeatPath struct {
		ID string `path:"id" doc:"Its id or its ref" example:"0d6b1f0a5c3e4b7f9a2d8c1e6f4b3a70"`
	}
	JSONBody struct{ RawBody []byte }
	IfMatch  struct {
		IfMatch string `header:"If-Match" doc:"ETag of the settings that you read. If the settings have changed since, the answer is 412 and nothing changes. Optional"`
	}
	heartbeatPatch struct {
		HeartbeatPath
		IfMatch
		JSONBody
	}
	heartbeatSlugPath struct {
		Slug string `path:"slug" doc:"Its slug" example:"nightly-backup"`
	}
	heartbeatPut struct {
		Slug string `path:"slug" doc:"Its slug" example:"nightly-backup"`
		IfMatch
		JSONBody
	}
)

// The parts of answers.
type (
	bodyResponse[T any] struct{ Body T }
	etagResponse[T any] struct {
		ETag string `header:"ETag" doc:"Version of the settings, for If-Match. Pings and status changes do not change it"`
		Body T
	}
	createdResponse[T any] struct {
		ETag     string `header:"ETag" doc:"Version of the settings, for If-Match"`
		Location string `header:"Location" doc:"Where it is from now on"`
		Body     T
	}
	putResponse[T any] struct {
		Status   int
		ETag     string `header:"ETag" doc:"Version of the settings, for If-Match"`
		Location string `header:"Location" doc:"Where it is, when it was created"`
		Body     T
	}
	emptyResponse struct{}
)

// query is the part of a list that was asked for.
func (q PageQuery) query() manage.PageQuery {
	return manage.PageQuery{Limit: q.Limit, Cursor: q.Cursor}
}

// pageResponse shows a part of a list.
func pageResponse[T, S any](l manage.ListPage[T], show func(T) S) *bodyResponse[client.Page[S]] {
	page := client.Page[S]{Items: make([]S, 0, len(l.Items))}
	for _, item := range l.Items {
		page.Items = append(page.Items, show(item))
	}
	if l.Next != "" {
		page.NextCursor = &l.Next
	}
	return &bodyResponse[client.Page[S]]{page}
}

// pingBaseURL is the base address of ping URLs for those who may see them.
func (a *API) pingBaseURL(who auth.Actor) string {
	if who.SeesPingURLs() {
		return a.BaseURL
	}
	return ""
}

// heartbeatJSON shows one.
func (a *API) heartbeatJSON(who auth.Actor, h monitor.Heartbeat) client.Heartbeat {
	return shape.Heartbeat(h, a.pingBaseURL(who), time.Now().UTC())
}

// heartbeatURL is the address of a heartbeat in the API, by whatever the reader may see.
func (a *API) heartbeatURL(h monitor.Heartbeat) string {
	id := h.ID
	if id == "" {
		id = h.Ref
	}
	return a.BaseURL + Prefix + "/heartbeats/" + id
}

// heartbeatRoutes registers the endpoints of heartbeats.
func (a *API) heartbeatRoutes() {
	settings := reflect.TypeFor[heartbeatSettings]()
	tag := []string{"Heartbeats"}
	gone := []int{http.StatusNotFound}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-heartbeats", Method: http.MethodGet, Path: "/heartbeats", Tags: tag, Summary: "List heartbeats",
	}}, a.listHeartbeats)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "create-heartbeat", Method: http.MethodPost, Path: "/heartbeats", Tags: tag, Summary: "Create a heartbeat",
		Description:   "The answer holds the ping URL. A new heartbeat alerts only once its first ping has come.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, body: settings, example: exampleSettings}, a.createHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "put-heartbeat", Method: http.MethodPut, Path: "/heartbeats/by-slug/{slug}", Tags: tag,
		Summary:     "Create a heartbeat, or change the one with this slug",
		Description: "Doing it twice is doing it once, so a deployment can do it every time. What is absent stays as it is.",
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
		Description: "What is absent stays as it is. A new schedule or grace is judged at once, from the last ping on: an incident that it would not have opened is resolved.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}, body: settings, example: map[string]any{"grace": "30m"}}, a.changeHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "delete-heartbeat", Method: http.MethodDelete, Path: "/heartbeats/{id}", Tags: tag, Summary: "Delete a heartbeat",
		Description: "Its pings are answered with 404 from now on, and an open incident is resolved.", Errors: gone,
	}}, a.deleteHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "pause-heartbeat", Method: http.MethodPost, Path: "/heartbeats/{id}/pause", Tags: tag, Summary: "Pause a heartbeat",
		Description: "It is not judged until it is resumed: by a ping, unless manual_resume is set.", Errors: gone,
	}}, a.pauseHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "resume-heartbeat", Method: http.MethodPost, Path: "/heartbeats/{id}/resume", Tags: tag, Summary: "Resume a heartbeat",
		Description: "The interval is counted from now.", Errors: gone,
	}}, a.resumeHeartbeat)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "explain-heartbeat", Method: http.MethodGet, Path: "/heartbeats/{id}/why", Tags: tag, Summary: "Explain the status of a heartbeat",
		Description: "The arithmetic from the last ping to the deadline, and what was decided.", Errors: gone,
	}}, a.explainHeartbeat)
	a.runRoutes(tag)
	a.documentPutCreated("/heartbeats/by-slug/{slug}")
}

// documentPutCreated documents that a PUT answers 201 with the same body as 200.
func (a *API) documentPutCreated(path string) {
	responses := a.huma.OpenAPI().Paths[path].Put.Responses
	responses["201"].Content, responses["201"].Headers = responses["200"].Content, responses["200"].Headers
}

func (a *API) listHeartbeats(ctx context.Context, who auth.Actor, in *heartbeatsQuery) (*bodyResponse[client.Page[client.Heartbeat]], error) {
	listing, err := a.Service.Heartbeats(ctx, who, manage.HeartbeatQuery{Status: in.Status, Tag: in.Tag, Text: in.Q, Sort: in.Sort, PageQuery: in.query()})
	if err != nil {
		return nil, err
	}
	return pageResponse(listing, func(h monitor.Heartbeat) client.Heartbeat { return a.heartbeatJSON(who, h) }), nil
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

// heartbeatResponse shows the heartbeat that a call to the desk returned.
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
	return &bodyResponse[client.Explanation]{shape.Why(h, hint, time.Now().UTC())}, nil
}
