package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/wire"
)

// policySettings is the body of a request that creates or changes a policy.
type policySettings struct {
	_ struct{} `additionalProperties:"false"`

	Name    *string         `json:"name,omitempty" minLength:"1" maxLength:"100" doc:"Name for people. Required in a new policy"`
	Slug    *string         `json:"slug,omitempty" maxLength:"100" doc:"Unique in the project. Default: generated from the name"`
	Default *bool           `json:"default,omitempty" doc:"Apply the policy to the heartbeats that name no channels and no policy. The current default is no longer the default then. Default: false"`
	Steps   *[]stepSettings `json:"steps,omitempty" nullable:"false" minItems:"1" maxItems:"10" doc:"In the order of time. Required in a new policy"`
}

// stepSettings is one step in a request.
type stepSettings struct {
	_ struct{} `additionalProperties:"false"`

	After       duration  `json:"after" required:"true" doc:"Time since the opening of the incident, without acknowledgement: 0 in the first step, at most 7 d"`
	Channels    []string  `json:"channels" required:"true" nullable:"false" minItems:"1" doc:"Ids of channels of the project"`
	RepeatEvery *duration `json:"repeat_every,omitempty" nullable:"true" doc:"Time between reminders, only in the last step: 1 min to 7 d. Null: no reminders"`
}

// UnmarshalJSON rejects unknown members.
func (s *stepSettings) UnmarshalJSON(raw []byte) error {
	type plain stepSettings
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(s))
}

// policyEdit decodes a body into an edit.
func policyEdit(body []byte) (manage.PolicyEdit, error) {
	var s policySettings
	found, err := decodeObject(body, membersOf(&s))
	e := manage.PolicyEdit{Name: s.Name, Slug: s.Slug, Default: s.Default, InputFaults: found}
	if s.Steps != nil {
		steps := []manage.PolicyStepEdit{}
		for _, step := range *s.Steps {
			one := manage.PolicyStepEdit{After: string(step.After), Channels: step.Channels}
			if step.RepeatEvery != nil {
				one.RepeatEvery = string(*step.RepeatEvery)
			}
			steps = append(steps, one)
		}
		e.Steps = &steps
	}
	return e, err
}

type (
	PolicyPath struct {
		Name string `path:"policy" doc:"Slug or id" example:"nights"`
	}
	policyDeletion struct {
		PolicyPath
		IfMatch
		Replace bool `query:"replace" doc:"Delete the policy although heartbeats name it. They then use the default policy. Without a default policy, they notify all channels of the project"`
	}
	policyPatch struct {
		PolicyPath
		IfMatch
		JSONBody
	}
)

// policyRoutes registers the endpoints of escalation policies.
func (a *API) policyRoutes() {
	settings := a.schemaOf(reflect.TypeFor[policySettings]())
	tag := []string{"Policies"}
	gone := []int{http.StatusNotFound}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-policies", Method: http.MethodGet, Path: "/policies", Tags: tag, Summary: "List escalation policies, by slug",
	}}, a.listPolicies)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "create-policy", Method: http.MethodPost, Path: "/policies", Tags: tag, Summary: "Create an escalation policy",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, body: settings, example: examplePolicy}, a.createPolicy)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-policy", Method: http.MethodGet, Path: "/policies/{policy}", Tags: tag, Summary: "Get one escalation policy", Errors: gone,
	}}, a.getPolicy)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "change-policy", Method: http.MethodPatch, Path: "/policies/{policy}", Tags: tag, Summary: "Change an escalation policy",
		Description: "Missing members stay unchanged; steps are replaced as a whole. Open incidents keep the steps that they began with.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}, body: settings, example: map[string]any{"default": true}}, a.changePolicy)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "delete-policy", Method: http.MethodDelete, Path: "/policies/{policy}", Tags: tag, Summary: "Delete an escalation policy",
		Description: "If heartbeats name the policy, the response is 409 with their number, unless replace is true. Without a default policy, heartbeats that name no channels and no policy notify all channels of the project. Open incidents keep their steps.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}}, a.deletePolicy)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-notifications", Method: http.MethodGet, Path: "/heartbeats/{id}/notifications", Tags: tag, Summary: "Who would be notified of an incident, when, and why",
		Description: "Returns the notifications of an incident that opens now, while no one acknowledges it.", Errors: gone,
	}}, a.listNotifications)
}

func (a *API) listPolicies(ctx context.Context, who auth.Actor, _ *struct{}) (*bodyResponse[client.Page[client.Policy]], error) {
	list, err := a.Service.PolicyDetails(ctx, who)
	return pageResponse(manage.ListPage[manage.PolicyDetail]{Items: list}, err, policyJSON)
}

func (a *API) createPolicy(ctx context.Context, who auth.Actor, in *JSONBody) (*createdResponse[client.Policy], error) {
	e, err := policyEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	p, err := a.Service.CreatePolicy(ctx, who, e)
	if err != nil {
		return nil, err
	}
	created, err := a.policyResponse(ctx, who, p.ID)
	if err != nil {
		return nil, err
	}
	return &createdResponse[client.Policy]{ETag: created.ETag, Location: a.BaseURL + Prefix + "/policies/" + p.Slug, Body: created.Body}, nil
}

// policyJSON converts a policy.
func policyJSON(p manage.PolicyDetail) client.Policy {
	return wire.Policy(p.Policy, p.Heartbeats, p.Naming)
}

// policyResponse returns the response with a policy.
func (a *API) policyResponse(ctx context.Context, who auth.Actor, name string) (*etagResponse[client.Policy], error) {
	p, err := a.Service.PolicyDetail(ctx, who, name)
	if err != nil {
		return nil, err
	}
	return &etagResponse[client.Policy]{etag(manage.PolicyVersion(p.Policy)), policyJSON(p)}, nil
}

func (a *API) getPolicy(ctx context.Context, who auth.Actor, in *PolicyPath) (*etagResponse[client.Policy], error) {
	return a.policyResponse(ctx, who, in.Name)
}

func (a *API) changePolicy(ctx context.Context, who auth.Actor, in *policyPatch) (*etagResponse[client.Policy], error) {
	e, err := policyEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	e.IfVersion = in.versions()
	p, err := a.Service.ChangePolicy(ctx, who, in.Name, e)
	if err != nil {
		return nil, err
	}
	return a.policyResponse(ctx, who, p.ID)
}

func (a *API) deletePolicy(ctx context.Context, who auth.Actor, in *policyDeletion) (*emptyResponse, error) {
	return &emptyResponse{}, a.Service.DeletePolicy(ctx, who, in.Name, in.Replace, in.versions())
}

func (a *API) listNotifications(ctx context.Context, who auth.Actor, in *HeartbeatPath) (*bodyResponse[client.Notifications], error) {
	plan, rule, err := a.Service.NotificationPlan(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.Notifications]{wire.Notifications(plan, rule)}, nil
}
