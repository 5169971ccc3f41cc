package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// GroupQuery filters the list of groups of incidents. An empty member does not filter.
type GroupQuery struct {
	State string // open, acknowledged or resolved
	PageQuery
}

func (q GroupQuery) values() url.Values {
	v := q.PageQuery.values()
	setNonEmpty(v, "state", q.State)
	return v
}

func groupPath(number int64) string { return "/incident-groups/" + strconv.FormatInt(number, 10) }

// Groups returns one page of groups of incidents.
func (c *Client) Groups(ctx context.Context, q GroupQuery) (Page[Group], error) {
	return fetchPage[Group](ctx, c, "/incident-groups", q.values())
}

// AllGroups iterates over all groups of incidents, page by page. It ends after the first error.
func (c *Client) AllGroups(ctx context.Context, q GroupQuery) iter.Seq2[Group, error] {
	return iteratePages[Group](ctx, c, "/incident-groups", q.values())
}

// Group returns a group of incidents with the things that they have in common, and the alerts about them.
func (c *Client) Group(ctx context.Context, number int64) (GroupDetail, error) {
	return fetchValue[GroupDetail](ctx, c, call{method: "GET", path: groupPath(number)})
}

// GroupMembers returns one page of the incidents of a group.
func (c *Client) GroupMembers(ctx context.Context, number int64, q GroupQuery) (Page[Incident], error) {
	return fetchPage[Incident](ctx, c, groupPath(number)+"/incidents", q.values())
}

// AllGroupMembers iterates over the incidents of a group, page by page. It ends after the first error.
func (c *Client) AllGroupMembers(ctx context.Context, number int64, q GroupQuery) iter.Seq2[Incident, error] {
	return iteratePages[Incident](ctx, c, groupPath(number)+"/incidents", q.values())
}

// AcknowledgeGroup acknowledges the open incidents of a group, and those that join it within two hours.
func (c *Client) AcknowledgeGroup(ctx context.Context, number int64) (GroupDetail, error) {
	return fetchValue[GroupDetail](ctx, c, call{method: "POST", path: groupPath(number) + "/acknowledge"})
}

// SnoozeGroup sends no reminders of the open incidents of a group for a period.
func (c *Client) SnoozeGroup(ctx context.Context, number int64, q QuietPeriod) (GroupDetail, error) {
	return fetchValue[GroupDetail](ctx, c, call{method: "POST", path: groupPath(number) + "/snooze", body: q})
}

// Group is a set of incidents that opened within a minute of each other and share a host, a source address or a tag.
type Group struct {
	Number         int64      `json:"number" doc:"Number of its first incident"`
	State          string     `json:"state" enum:"open,acknowledged,resolved" doc:"open while one incident is open, then acknowledged while one is not resolved"`
	Factor         Factor     `json:"factor" doc:"What all incidents of the group share"`
	FirstOpenedAt  time.Time  `json:"first_opened_at"`
	LastOpenedAt   time.Time  `json:"last_opened_at"`
	Incidents      int        `json:"incidents" doc:"Number of its incidents: the sum of the next three"`
	Open           int        `json:"open" doc:"Incidents that are open and not acknowledged"`
	Acknowledged   int        `json:"acknowledged"`
	Resolved       int        `json:"resolved"`
	AcknowledgedAt *time.Time `json:"acknowledged_at" doc:"When the group was acknowledged; incidents that join it in the next two hours are acknowledged too"`
	AcknowledgedBy *string    `json:"acknowledged_by"`
}

// Factor is something that incidents have in common.
type Factor struct {
	Kind  string `json:"kind" enum:"host,source,tag"`
	Value string `json:"value"`
}

// FactorCount is a factor and the number of incidents that share it.
type FactorCount struct {
	Factor
	Incidents int `json:"incidents"`
}

// GroupDetail is a group with the things that its incidents have in common, and the alerts about them.
type GroupDetail struct {
	Group
	Factors  []FactorCount  `json:"factors" nullable:"false" doc:"Most specific first; at least two incidents share each"`
	Causes   map[string]int `json:"causes" doc:"Number of incidents by cause"`
	Channels []GroupAlerts  `json:"channels" nullable:"false" doc:"Alerts about the opening of the incidents, by channel"`
}

// GroupAlerts counts the alerts of one channel about the opening of the incidents of a group.
type GroupAlerts struct {
	ChannelID   string `json:"channel_id"`
	ChannelName string `json:"channel_name"`
	Alerts      int    `json:"alerts" doc:"The sum of the next members, except messages"`
	Alone       int    `json:"alone" doc:"Sent in one message each"`
	Grouped     int    `json:"grouped" doc:"Sent in messages about several incidents"`
	Messages    int    `json:"messages" doc:"Number of these messages"`
	Held        int    `json:"held" doc:"Held back by a rule of the alert policy"`
	Pending     int    `json:"pending" doc:"Not sent yet"`
	Failed      int    `json:"failed"`
}
