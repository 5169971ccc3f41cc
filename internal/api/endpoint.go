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
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
)

// Limits of a request's body.
const (
	maxBodyBytes    = 256 << 10 // bytes
	bodyReadTimeout = 10 * time.Second
)

// endpoint describes one endpoint.
type endpoint struct {
	huma.Operation // Errors lists the refusals beyond those of every endpoint

	body    reflect.Type // describes the JSON of the request, nil when there is none
	example any          // of a body
}

// commonErrors are the refusals that each endpoint may give.
var commonErrors = []int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// bodyErrors are those of each endpoint that takes a body.
var bodyErrors = []int{
	http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
}

// register adds an endpoint: do gets who is asking, and its errors become
// problems.
func register[I, O any](a *API, r endpoint, do func(ctx context.Context, who auth.Actor, in *I) (*O, error)) {
	op := r.Operation
	op.Security = []map[string][]string{{"key": {}}}
	op.MaxBodyBytes = maxBodyBytes + 1 // the last byte says that there is more
	op.BodyReadTimeout = bodyReadTimeout
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	refusals := append(op.Errors, commonErrors...)
	if r.body != nil {
		refusals = append(refusals, bodyErrors...)
	}
	for _, status := range refusals {
		op.Responses[strconv.Itoa(status)] = a.errorResponse(status)
	}
	op.Errors = nil
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		by, _ := ctx.Value(callerKey{}).(caller)           // set by authenticate, which runs first
		if time.Since(by.keyCheckedAt) > keyRecheckAfter { // the key may have been revoked while the body arrived
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

// documentBody documents the JSON that an endpoint reads by itself, from the
// raw bytes: so it can name every mistake at once, in its own words.
func (a *API) documentBody(op huma.Operation, r endpoint) {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(r.body, true, "")
	operationOf(a.huma.OpenAPI().Paths[op.Path], op.Method).RequestBody = &huma.RequestBody{
		Required: true,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: schema, Example: r.example}},
	}
}

// operationOf is the one of a path with the given method.
func operationOf(path *huma.PathItem, method string) *huma.Operation {
	return map[string]*huma.Operation{
		http.MethodGet: path.Get, http.MethodHead: path.Head, http.MethodPost: path.Post, http.MethodPut: path.Put,
		http.MethodPatch: path.Patch, http.MethodDelete: path.Delete,
	}[method]
}

// caller is who sent a request, and how the request is called in the log.
type caller struct {
	actor        auth.Actor
	requestID    string
	secret       string    // of the key
	keyCheckedAt time.Time // when the key was checked
}

// keyRecheckAfter is for how long a key is known by one check.
const keyRecheckAfter = time.Second

// callerKey finds the asker in a context. Only authenticate sets it and only
// register reads it: to the endpoints it is an argument.
type callerKey struct{}

// authenticate lets only requests with a valid API key pass.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(scheme, "Bearer") {
		httpd.NewProblem(http.StatusUnauthorized, "No API key was sent. Make one on the page API keys, or with overdue api-key create, "+
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

// unknownKeyProblem is the answer to a key that does not exist.
func unknownKeyProblem() *httpd.Problem {
	return httpd.NewProblem(http.StatusUnauthorized, "This API key does not exist or was revoked. Make one on the page API keys, or with overdue api-key create.").
		With("WWW-Authenticate", `Bearer realm="overdue", error="invalid_token"`)
}

// requireJSON refuses bodies that say that they are something else. One that
// says nothing is taken for JSON.
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

// problem is the answer to an error. One that is ours is logged here, and only
// here.
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

// location says where in a request to op a field stands. Paths hold ids, about
// which there are no fields, and the slug of a PUT.
func location(op huma.Operation, field string) string {
	switch {
	case op.Method == http.MethodGet:
		return "query." + field
	case op.Method == http.MethodPut && field == "slug":
		return "path." + field
	}
	return "body." + field
}

// rewriteHumaError turns the refusals of the layer below into ours: it says sentences,
// and nothing of what was sent, which may have been a secret.
func rewriteHumaError(ctx huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := httpd.NewProblem(model.Status, sentence(model.Detail))
	p.RequestID = ctx.Header("X-Request-Id")
	if model.Status == http.StatusRequestEntityTooLarge {
		p.Detail = fmt.Sprintf("The body is larger than %d kB.", maxBodyBytes>>10)
	}
	if model.Status >= http.StatusInternalServerError {
		return p, nil
	}
	for i, e := range model.Errors {
		if i == 0 {
			p.Detail = sentence(e.Message)
		}
		p.Errors = append(p.Errors, httpd.FieldProblem{Location: e.Location, Message: sentence(e.Message)})
	}
	return p, nil
}

// sentence makes a sentence of a clause.
func sentence(clause string) string {
	_, size := utf8.DecodeRuneInString(clause)
	return strings.ToUpper(clause[:size]) + clause[size:] + "."
}

// shortenEcho is what somebody sent, short enough to be sent back.
func shortenEcho(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return text
}
