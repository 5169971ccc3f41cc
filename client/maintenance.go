package client

import (
	"context"
	"net/url"
	"time"
)

func maintenancePath(id string) string { return "/maintenance/" + url.PathEscape(id) }

// MaintenanceSettings creates or changes a maintenance. A missing member keeps its value, or gets its
// default in a new maintenance.
type MaintenanceSettings struct {
	Reason     *string   `json:"reason,omitempty"`
	All        *bool     `json:"all,omitempty"`
	Tags       *[]string `json:"tags,omitempty"`
	Heartbeats *[]string `json:"heartbeats,omitempty"`
	From       *string   `json:"from,omitempty"`
	To         *string   `json:"to,omitempty"`
	Duration   any       `json:"duration,omitempty"`
	Cron       []string  `json:"cron,omitempty"`
	OnCalendar []string  `json:"oncalendar,omitempty"`
	Timezone   *string   `json:"timezone,omitempty"`
}

// Maintenances lists the maintenance of the project, oldest first.
func (c *Client) Maintenances(ctx context.Context) (Page[Maintenance], error) {
	return fetchPage[Maintenance](ctx, c, "/maintenance", nil)
}

// Maintenance returns one maintenance.
func (c *Client) Maintenance(ctx context.Context, id string) (Maintenance, error) {
	return fetchValue[Maintenance](ctx, c, call{method: "GET", path: maintenancePath(id)})
}

// CreateMaintenance creates a maintenance. Its windows hold when this returns.
func (c *Client) CreateMaintenance(ctx context.Context, s MaintenanceSettings) (Maintenance, error) {
	return fetchValue[Maintenance](ctx, c, call{method: "POST", path: "/maintenance", body: s})
}

// ChangeMaintenance changes the given settings and keeps the others. Windows that are over stay as they
// were.
func (c *Client) ChangeMaintenance(ctx context.Context, id string, s MaintenanceSettings) (Maintenance, error) {
	return fetchValue[Maintenance](ctx, c, call{method: "PATCH", path: maintenancePath(id), body: s})
}

// EndMaintenance ends the window in progress.
func (c *Client) EndMaintenance(ctx context.Context, id string) (Maintenance, error) {
	return fetchValue[Maintenance](ctx, c, call{method: "POST", path: maintenancePath(id) + "/end"})
}

// ExtendMaintenance moves the end of the window in progress by a duration, such as "30m".
func (c *Client) ExtendMaintenance(ctx context.Context, id, by string) (Maintenance, error) {
	return fetchValue[Maintenance](ctx, c, call{method: "POST", path: maintenancePath(id) + "/extend", body: map[string]string{"for": by}})
}

// DeleteMaintenance deletes a maintenance. A window in progress ends.
func (c *Client) DeleteMaintenance(ctx context.Context, id string) error {
	_, err := c.send(ctx, call{method: "DELETE", path: maintenancePath(id)})
	return err
}

// Maintenance is planned work. Runs that are expected in its windows are excused.
type Maintenance struct {
	ID         string              `json:"id"`
	Reason     string              `json:"reason"`
	All        bool                `json:"all" doc:"It is for all heartbeats of the project"`
	Tags       []string            `json:"tags" nullable:"false" doc:"It is for heartbeats with one of these tags"`
	Heartbeats []string            `json:"heartbeats" nullable:"false" doc:"Refs of heartbeats that it is for"`
	From       time.Time           `json:"from" doc:"Start of the window. If it recurs, no window starts before"`
	To         *time.Time          `json:"to" doc:"End of the window. If it recurs, no window starts at or after it; null: it recurs without an end"`
	Duration   *int64              `json:"duration" doc:"Seconds that each recurring window lasts; null: it does not recur"`
	Cron       []string            `json:"cron" doc:"Starts of recurring windows; null if there are none"`
	OnCalendar []string            `json:"oncalendar" doc:"Starts of recurring windows; null if there are none"`
	Timezone   *string             `json:"timezone" doc:"Time zone of cron and oncalendar"`
	InProgress bool                `json:"in_progress" doc:"A window is in progress now"`
	Windows    []MaintenanceWindow `json:"windows" nullable:"false" doc:"The window in progress and the next ones, at most 8"`
	CreatedAt  time.Time           `json:"created_at"`
	CreatedBy  string              `json:"created_by"`
}

// MaintenanceWindow is one window.
type MaintenanceWindow struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to" doc:"A run that is due at this time is expected"`
}
