package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/safetext"
)

// maxEcho is the maximum length of a value of the request that is sent back, in characters.
const maxEcho = 40

// Limits of the body of a request.
const (
	maxBodyBytes    = 256 << 10 // bytes
	bodyReadTimeout = 10 * time.Second
)

// endpoint describes one endpoint.
type endpoint struct {
	huma.Operation // Errors lists the statuses in addition to commonErrors

	body    *huma.Schema // of the JSON of the request, nil if there is none
	example any          // of a body
}

// commonErrors are the error statuses of every endpoint.
var commonErrors = []int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// bodyErrors are the error statuses of every endpoint with a body.
var bodyErrors = []int{
	http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
}

// register adds an endpoint. do receives the authenticated actor, and its errors become
// problems.
func register[I, O any](a *API, r endpoint, do func(ctx context.Context, who auth.Actor, in *I) (*O, error)) {
	op := r.Operation
	op.Security = []map[string][]string{{"key": {}}}
	op.MaxBodyBytes = maxBodyBytes + 1 // the last byte shows that the body is too long
	op.BodyReadTimeout = bodyReadTimeout
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	statuses := append(op.Errors, commonErrors...)
	if r.body != nil {
		statuses = append(statuses, bodyErrors...)
	}
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = a.errorResponse(status)
	}
	op.Errors = nil
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		by, _ := ctx.Value(callerKey{}).(caller)           // authenticate sets it and runs first
		if time.Since(by.keyCheckedAt) > keyRecheckAfter { // the key may have been revoked during the upload
			known := false
			var err error
			if by.actor, known, err = a.Keys.Actor(ctx, by.secret, by.actor.Source, time.Now().UTC()); err != nil {
				return nil, a.problem(ctx, err, op, by)
			}
			if !known {
				return nil, unknownKeyProblem()
			}
		}
		out, err := do(ctx, by.actor, in)
		if err != nil {
			return nil, a.problem(ctx, err, op, by)
		}
		return out, nil
	})
	if r.body != nil {
		a.documentBody(op, r)
	}
}

// documentBody describes the JSON body of an endpoint. Endpoints decode the raw bytes
// themselves, so that they can report all faults at once.
func (a *API) documentBody(op huma.Operation, r endpoint) {
	operationOf(a.huma.OpenAPI().Paths[op.Path], op.Method).RequestBody = &huma.RequestBody{
		Required: true,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: r.body, Example: r.example}},
	}
}

// schemaOf returns a reference to the schema of a Go type.
func (a *API) schemaOf(t reflect.Type) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, "")
}

// operationOf returns the operation of a path with the given method.
func operationOf(path *huma.PathItem, method string) *huma.Operation {
	return map[string]*huma.Operation{
		http.MethodGet: path.Get, http.MethodHead: path.Head, http.MethodPost: path.Post, http.MethodPut: path.Put,
		http.MethodPatch: path.Patch, http.MethodDelete: path.Delete,
	}[method]
}

// caller is the authenticated sender of a request.
type caller struct {
	actor        auth.Actor
	requestID    string    // in the log
	secret       string    // of the key
	keyCheckedAt time.Time // last check of the key
}

// keyRecheckAfter is the period for which one check of a key is valid.
const keyRecheckAfter = time.Second

// callerKey is the context key of the caller. Only authenticate sets it and only register
// reads it: endpoints get the actor as an argument.
type callerKey struct{}

// authenticate rejects requests without a valid API key.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(scheme, "Bearer") {
		httpd.NewProblem(http.StatusUnauthorized, "An API key is required. Create one on the page API keys, or with overdue api-key create, "+
			"and send it as Authorization: Bearer ovd_….").With("WWW-Authenticate", `Bearer realm="overdue"`).Write(w, r)
		return
	}
	actor, known, err := a.Keys.Actor(r.Context(), secret, a.ClientAddress(r), time.Now().UTC())
	if err != nil {
		a.problem(r.Context(), err, *ctx.Operation(), caller{requestID: httpd.RequestID(r)}).Write(w, r)
		return
	}
	if !known {
		a.Log.Info("API key rejected", "component", "api", "client", a.ClientAddress(r), "request_id", httpd.RequestID(r))
		unknownKeyProblem().Write(w, r)
		return
	}
	next(huma.WithValue(ctx, callerKey{}, caller{actor, httpd.RequestID(r), secret, time.Now()}))
}

// unknownKeyProblem returns the answer to a key that does not exist.
func unknownKeyProblem() *httpd.Problem {
	return httpd.NewProblem(http.StatusUnauthorized, "This API key does not exist or was revoked. Create one on the page API keys, or with overdue api-key create.").
		With("WWW-Authenticate", `Bearer realm="overdue", error="invalid_token"`)
}

// requireJSON rejects bodies of another content type. A body without a content type is
// accepted as JSON.
func requireJSON(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	given := r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(given)
	if ctx.Operation().RequestBody != nil && given != "" && (err != nil || kind != "application/json") {
		httpd.NewProblem(http.StatusUnsupportedMediaType, "Send the body as JSON, with the header Content-Type: application/json.").Write(w, r)
		return
	}
	next(ctx)
}

// problem returns the answer to an error. It is the only place that logs internal errors.
func (a *API) problem(ctx context.Context, err error, op huma.Operation, by caller) *httpd.Problem {
	p, theirs := httpd.ProblemOf(err, func(field string) string { return location(op, field) })
	if _, old := errors.AsType[*manage.StaleEdit](err); old {
		p = httpd.NewProblem(http.StatusPreconditionFailed, "The settings have changed since this ETag was read. Read them again, then repeat the change.")
	}
	switch {
	case theirs && p.Status == http.StatusForbidden:
		a.Log.Info("request denied", "component", "api", "operation", op.OperationID, "api_key", by.actor.ID, "client", by.actor.Source, "request_id", by.requestID)
	case theirs:
	case ctx.Err() != nil || errors.Is(err, manage.ErrUnavailable):
		p = httpd.Unavailable()
		a.Log.Warn("request not served", "operation", op.OperationID, "error", err, "request_id", by.requestID)
	default:
		p = httpd.InternalError()
		a.Log.Error("request failed", "operation", op.OperationID, "error", err, "request_id", by.requestID)
	}
	p.RequestID = by.requestID
	return p
}

// location returns where in a request the field is. Paths contain ids, which have no field
// faults, and the slug of a PUT.
func location(op huma.Operation, field string) string {
	switch {
	case op.Method == http.MethodGet:
		return "query." + field
	case op.Method == http.MethodPut && field == "slug":
		return "path." + field
	}
	return "body." + field
}

// rewriteHumaError turns errors of huma into problems. It drops the values that were sent,
// because they may be secrets.
func rewriteHumaError(ctx huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := httpd.NewProblem(model.Status, safetext.Sentence(model.Detail))
	p.RequestID = ctx.Header("X-Request-Id")
	if model.Status == http.StatusRequestEntityTooLarge {
		p.Detail = fmt.Sprintf("The body is larger than the maximum of %d kB.", maxBodyBytes>>10)
	}
	if model.Status >= http.StatusInternalServerError {
		return p, nil
	}
	for i, e := range model.Errors {
		if i == 0 {
			p.Detail = safetext.Sentence(e.Message)
		}
		p.Errors = append(p.Errors, httpd.FieldProblem{Location: e.Location, Message: safetext.Sentence(e.Message)})
	}
	return p, nil
}

// etag returns a version as an entity tag (RFC 9110, section 8.8.3).
func etag(version string) string { return `"` + version + `"` }

// versions returns the versions of If-Match, nil for any. A weak tag matches nothing (RFC
// 9110, section 13.1.1).
func (i IfMatch) versions() []string {
	text := strings.TrimSpace(i.IfMatch)
	if text == "" || text == "*" {
		return nil
	}
	var all []string
	for tag := range strings.SplitSeq(text, ",") {
		tag = strings.TrimSpace(tag)
		if version := strings.Trim(tag, `"`); tag == etag(version) {
			all = append(all, version)
		}
	}
	if all == nil {
		return []string{"none"} // matches no version
	}
	return all
}

// Parts of requests. Embedded types have exported names, because huma ignores others.
type (
	PageQuery struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Number of items"`
		Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	}
	heartbeatsQuery struct {
		Status string   `query:"status" enum:"new,up,late,down,paused" doc:"Only heartbeats with this status"`
		Tags   []string `query:"tag,explode" maxItems:"20" doc:"Only heartbeats with all of these tags. Repeat it for several"`
		Q      string   `query:"q" doc:"Only heartbeats with this text in name, slug, description or a tag, or whose id or ref begins with it"`
		Sort   string   `query:"sort" enum:"name,created,due,last,slowest" default:"name" doc:"Order of the list. due: the next due first. last: the last ping first. slowest: the longest run time first"`
		PageQuery
	}
	HeartbeatPath struct {
		ID string `path:"id" doc:"Id or ref of the heartbeat" example:"0d6b1f0a5c3e4b7f9a2d8c1e6f4b3a70"`
	}
	JSONBody struct{ RawBody []byte }
	IfMatch  struct {
		IfMatch string `header:"If-Match" doc:"ETag of the settings that you read. If they have changed since, the response is 412 and nothing changes"`
	}
	heartbeatPatch struct {
		HeartbeatPath
		IfMatch
		JSONBody
	}
	heartbeatSlugPath struct {
		Slug string `path:"slug" doc:"Slug of the heartbeat" example:"nightly-backup"`
	}
	heartbeatPut struct {
		Slug string `path:"slug" doc:"Slug of the heartbeat" example:"nightly-backup"`
		IfMatch
		JSONBody
	}
)

// Parts of responses.
type (
	bodyResponse[T any] struct{ Body T }
	etagResponse[T any] struct {
		ETag string `header:"ETag" doc:"Version of the settings, for If-Match. Pings and status changes do not change it"`
		Body T
	}
	createdResponse[T any] struct {
		ETag     string `header:"ETag" doc:"Version of the settings, for If-Match"`
		Location string `header:"Location" doc:"Address of the new object"`
		Body     T
	}
	putResponse[T any] struct {
		Status   int
		ETag     string `header:"ETag" doc:"Version of the settings, for If-Match"`
		Location string `header:"Location" doc:"Address of the new object, if it was created"`
		Body     T
	}
	emptyResponse struct{}
)

// query returns the requested page.
func (q PageQuery) query() manage.PageQuery {
	return manage.PageQuery{Limit: q.Limit, Cursor: q.Cursor}
}

// pageResponse returns the response for a page of a list, with each item converted.
func pageResponse[T, S any](list manage.ListPage[T], err error, convert func(T) S) (*bodyResponse[client.Page[S]], error) {
	if err != nil {
		return nil, err
	}
	page := client.Page[S]{Items: make([]S, 0, len(list.Items))}
	for _, item := range list.Items {
		page.Items = append(page.Items, convert(item))
	}
	if list.Next != "" {
		page.NextCursor = &list.Next
	}
	return &bodyResponse[client.Page[S]]{page}, nil
}
