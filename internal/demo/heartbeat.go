package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// idSpace is the name space of the ids of heartbeats.
var idSpace = uuid.MustParse("6f766572-6475-4065-8000-64656d6f0000")

// newHeartbeat returns the heartbeat of the job.
func (j job) newHeartbeat(number int, rule monitor.Rule, created time.Time) monitor.Heartbeat {
	random := sha256.Sum256([]byte(fmt.Sprint(idSpace, number)))
	id, _ := uuid.FromBytes(random[:16]) // 16 bytes are an id
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	ref := sha256.Sum256([]byte("demo ref" + id.String()))
	severity := j.severity
	if severity == "" {
		severity = monitor.SeverityCritical
	}
	return monitor.Heartbeat{
		ID: id.String(), Ref: hex.EncodeToString(ref[:16]), Name: j.name, Slug: manage.SlugFromName(j.name), Description: j.description,
		Tags: j.tags, Severity: severity, Rule: rule, Status: monitor.New,
		Created: created, Updated: created,
	}
}

// channelNames returns the names of the channels that the heartbeat notifies.
func (j job) channelNames() []string {
	if len(j.channels) > 0 {
		return j.channels
	}
	names := []string{"On-call pager", "Operations team"}
	for _, of := range []struct{ tag, channel string }{{"billing", "Office chat"}, {"analytics", "Data team"}, {"warehouse", "Warehouse screen"}} {
		if slices.Contains(j.tags, of.tag) {
			names = append(names, of.channel)
		}
	}
	return names
}
