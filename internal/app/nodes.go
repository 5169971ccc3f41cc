package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/store"
)

// Limits of the skew of the clock that operators are warned about.
const (
	warnAboveSkew  = time.Second
	warnUntilBelow = 750 * time.Millisecond // so a skew near the limit does not warn again and again
)

// clockWatch warns about the clock of this node.
type clockWatch struct {
	mu      sync.Mutex
	warning error // nil: the clock is right
}

// clockWarning returns what is wrong with the clock of this node, or nil.
func (w *clockWatch) clockWarning() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.warning
}

// update sets the warning, and reports whether a warning began or ended.
func (w *clockWatch) update(warning error) (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed = (w.warning == nil) != (warning == nil)
	w.warning = warning
	return changed
}

// checkClock warns about the clock of this node, once per change, and tells the watcher
// if it was set back.
func (e *Engine) checkClock() {
	for _, s := range e.db.Clock().TakeSteps() {
		e.log.Warn("clock stepped", "component", "clock", "from", s.From, "to", s.To, "difference", s.Difference(), "followed", s.Followed)
		if back := -s.Difference(); !s.Followed && back > 0 {
			e.watcher.ClockSetBack(back)
		}
	}
	warning := e.clockProblem(e.clock.clockWarning() != nil)
	switch changed := e.clock.update(warning); {
	case changed && warning != nil:
		e.log.Warn("clock wrong", "component", "clock", "problem", warning.Error())
	case changed:
		e.log.Info("clock right again", "component", "clock")
	}
}

// clockProblem returns what is wrong with the clock of this node, or nil. warned reports
// whether it was wrong before.
func (e *Engine) clockProblem(warned bool) error {
	limit := warnAboveSkew
	if warned {
		limit = warnUntilBelow
	}
	skew, known := e.db.Clock().Skew()
	if !known || skew.Ahead.Abs() <= limit {
		return nil
	}
	return errors.New("the clock of this machine is " + skewText(skew.Ahead) + " the database's")
}

// skewText returns how far a clock is off, such as "30.0 s ahead of".
func skewText(ahead time.Duration) string {
	if ahead < 0 {
		return fmt.Sprintf("%.1f s behind", -ahead.Seconds())
	}
	return fmt.Sprintf("%.1f s ahead of", ahead.Seconds())
}

// nodeMetrics returns the metrics of this node and the others as they were last
// published: a scrape never waits for the database.
func (e *Engine) nodeMetrics() metrics.Nodes {
	c := e.inFlight.Snapshot()
	n := metrics.Nodes{Running: e.watcher.NodeCount(), WatermarkLag: max(0, c.Now.Sub(c.Watermark.All))}
	if skew, known := e.db.Clock().Skew(); known {
		n.ClockSkew = skew.Ahead
	}
	return n
}

// setNodeInfo sets what this server publishes about itself.
func setNodeInfo(db *store.DB, version string) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	db.SetNodeInfo(host, version, db.Now())
}

// checkNodes reports the nodes of a PostgreSQL database. A node whose clock is off is a
// failure, and one that died is not.
func (c *checker) checkNodes(ctx context.Context, db *store.DB) {
	if !db.IsShared() {
		return
	}
	var nodes []store.Node
	err := db.MeasureClock(ctx)
	if err == nil {
		err = db.View(ctx, func(tx *store.Tx) (err error) {
			nodes, err = tx.Nodes(db.Now())
			return err
		})
	}
	if err != nil || len(nodes) == 0 {
		if err == nil {
			c.skip("nodes", "no server is running on this database")
		} else {
			c.check("nodes", err, "")
		}
		return
	}
	for _, n := range nodes {
		c.checkNode(n, db.Now())
	}
}

// checkNode reports one node.
func (c *checker) checkNode(n store.Node, now time.Time) {
	label := n.Host
	if label == "" {
		label = n.ID
	}
	if n.Version != "" {
		label += ", version " + n.Version
	}
	seen := math.Max(0, now.Sub(n.Seen).Seconds())
	switch {
	case !n.Alive:
		c.skip("node", fmt.Sprintf("%s was last seen %.0f s ago and counts as dead", label, seen))
	case n.Skew.Abs() > warnAboveSkew:
		c.check("node", fmt.Errorf("%s: its clock is %s the database's; synchronize the clocks of all machines", label, skewText(n.Skew)), "")
	case n.SkewKnown:
		c.check("node", nil, fmt.Sprintf("%s, seen %.1f s ago, clock %+.3f s", label, seen, n.Skew.Seconds()))
	default:
		c.check("node", nil, fmt.Sprintf("%s, seen %.1f s ago", label, seen))
	}
}
