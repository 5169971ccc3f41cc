package app

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/auth"
	"overdue/internal/canary"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/pingurl"
	"overdue/internal/store"
)

// The names of the settings that all nodes share.
const (
	pairsSetting           = "pairs"
	watchdogResultsSetting = "watchdog results"
)

// pairingTime is the time in which the other server must send its first ping.
const pairingTime = time.Hour

// pairCodePrefix begins every pairing code.
const pairCodePrefix = "ovp_"

// pair is a server that watches this one and is watched by it.
type pair struct {
	URL       string `json:"url"`       // of the other server
	PingURL   string `json:"ping_url"`  // of the heartbeat of this server on the other one
	Heartbeat string `json:"heartbeat"` // ref of the heartbeat of the other server on this one
	Project   int64  `json:"project"`   // of that heartbeat
	Removed   bool   `json:"removed,omitempty"`
}

// PairRequest describes a pair to create.
type PairRequest struct {
	URL             string // of the other server
	Code            string // that the other server printed; empty: this is the first of the two
	Project         string // of the new heartbeat; empty: the only one
	Interval, Grace string // of the new heartbeat, as text
}

// PairStatus describes a pair.
type PairStatus struct {
	URL       string
	Heartbeat string // name of the heartbeat of the other server, empty if it was deleted
	Status    string
	LastPing  time.Time // from the other server; zero: never
	SentAt    time.Time // of the last ping that the other server accepted; zero: never
	LastError string    // of the last ping to the other server; empty: it was accepted

	triedAt time.Time // last ping to the other server; zero: never
	project int64     // of the heartbeat
	ref     string    // of the heartbeat
}

// Pair creates the heartbeat of another server, and stores the URL that this server
// pings. It returns the code for the other server.
//
// Both servers derive the ids of the two heartbeats from the code, so neither has to
// reach the other one to be paired, and no secret but the code is exchanged.
func Pair(ctx context.Context, database string, r PairRequest) (code string, err error) {
	other, err := url.Parse(r.URL)
	if err != nil {
		return "", fmt.Errorf("URL of the other server: %w", err)
	}
	first := r.Code == ""
	if code = r.Code; first {
		code = pairCodePrefix + rand.Text()
	}
	if !strings.HasPrefix(code, pairCodePrefix) || len(code) != len(pairCodePrefix)+len(rand.Text()) {
		return "", errors.New("the code is incomplete: copy it again from the output on the other server")
	}
	// The first server pings with the id of the first role.
	pingID, heartbeatID := pairID(code, first), pairID(code, !first)
	p := pair{URL: strings.TrimRight(r.URL, "/"), PingURL: pingurl.For(r.URL, pingID)}
	return code, withProjectDB(ctx, database, r.Project, func(db *store.DB, operator auth.Actor) error {
		svc := manage.New(manage.Options{DB: db})
		name, firstBy := "Overdue at "+other.Host, time.Now().Add(pairingTime).UTC().Format(time.RFC3339)
		description := "Another Overdue server, which watches this one too. See \"Who watches Overdue\" in the manual."
		existing, err := pairsOf(ctx, db)
		if err == nil && slices.ContainsFunc(existing, func(e pair) bool { return e.URL == p.URL && !e.Removed }) {
			err = fmt.Errorf("already paired with %s: remove the pair first with --remove", p.URL)
		}
		if err != nil {
			return err
		}
		h, err := svc.CreateHeartbeatWithID(ctx, operator, heartbeatID, manage.HeartbeatEdit{
			Name: &name, Description: &description, Interval: &r.Interval, Grace: &r.Grace, ExpectFirstBy: &firstBy,
		})
		if errors.Is(err, store.ErrTaken) { // the id comes from the code
			return errors.New("the code was used before on this server: run overdue pair without --code, then the command that it prints on the other server")
		}
		if err != nil {
			return err
		}
		p.Heartbeat, p.Project = h.Ref, h.Project
		return changePairs(ctx, db, func(all []pair) ([]pair, error) { return append(all, p), nil })
	})
}

// pairID derives the id of a heartbeat from a code: a version 4 UUID.
func pairID(code string, first bool) string {
	mac := hmac.New(sha256.New, []byte(code))
	fmt.Fprintf(mac, "overdue pair %t", first)
	id := uuid.UUID(mac.Sum(nil)[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version and variant, RFC 9562, section 5.4
	return id.String()
}

// Unpair ends a pair. This server stops pinging the other one. The running server
// deletes the heartbeat of the other server: another process cannot, because a server
// on SQLite keeps the state of heartbeats in memory.
func Unpair(ctx context.Context, database, other string) error {
	other = strings.TrimRight(other, "/")
	return withDatabase(ctx, database, func(db *store.DB) error {
		return changePairs(ctx, db, func(all []pair) ([]pair, error) {
			for i, p := range all {
				if p.URL == other && !p.Removed {
					all[i].Removed = true
					return all, nil
				}
			}
			return nil, fmt.Errorf("not paired with %s; overdue pair --status lists the pairs", other)
		})
	})
}

// finishUnpairing deletes the heartbeats of pairs that Unpair has ended, and returns
// the others.
func finishUnpairing(ctx context.Context, db *store.DB, svc *manage.Service) ([]pair, error) {
	all, err := pairsOf(ctx, db)
	if err != nil || !slices.ContainsFunc(all, func(p pair) bool { return p.Removed }) {
		return all, err
	}
	var done []string
	for _, p := range all {
		if !p.Removed {
			continue
		}
		err := svc.DeleteHeartbeat(ctx, auth.Operator(monitor.Project{Key: p.Project}, "overdue pair --remove"), p.Heartbeat)
		if fault, ok := errors.AsType[*monitor.Fault](err); err != nil && (!ok || fault.Kind != monitor.NotFound) {
			return nil, err
		}
		done = append(done, p.Heartbeat)
	}
	remaining := func(all []pair) []pair {
		return slices.DeleteFunc(all, func(p pair) bool { return slices.Contains(done, p.Heartbeat) })
	}
	err = changePairs(ctx, db, func(all []pair) ([]pair, error) { return remaining(all), nil })
	return remaining(all), err
}

// Pairs lists all pairs.
func Pairs(ctx context.Context, database string) (list []PairStatus, err error) {
	return list, withDatabase(ctx, database, func(db *store.DB) error {
		return db.View(ctx, func(tx *store.Tx) (err error) {
			list, err = pairStatuses(tx)
			return err
		})
	})
}

// pairStatuses reads the pairs with their states.
func pairStatuses(tx *store.Tx) (list []PairStatus, err error) {
	all, err := readJSONSetting[[]pair](tx, pairsSetting)
	if err != nil {
		return nil, err
	}
	results, err := readJSONSetting[map[string]canary.Result](tx, watchdogResultsSetting)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Removed {
			continue
		}
		result := results[p.PingURL]
		s := PairStatus{URL: p.URL, SentAt: result.SentAt, LastError: result.LastError, triedAt: result.At, project: p.Project, ref: p.Heartbeat}
		h, err := tx.Heartbeat(p.Project, p.Heartbeat)
		if fault, ok := errors.AsType[*monitor.Fault](err); err != nil && (!ok || fault.Kind != monitor.NotFound) {
			return nil, err
		}
		s.Heartbeat, s.Status, s.LastPing = h.Name, string(h.Status), h.LastPing
		list = append(list, s)
	}
	return list, nil
}

// pairsOf reads the pairs.
func pairsOf(ctx context.Context, db *store.DB) (all []pair, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		all, err = readJSONSetting[[]pair](tx, pairsSetting)
		return err
	})
	return all, err
}

// changePairs replaces the pairs in one transaction.
func changePairs(ctx context.Context, db *store.DB, change func([]pair) ([]pair, error)) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		all, err := readJSONSetting[[]pair](tx, pairsSetting)
		if err != nil {
			return err
		}
		if all, err = change(all); err != nil {
			return err
		}
		return writeJSONSetting(tx, pairsSetting, all)
	})
}

// recordWatchdogResults stores the results of pings, for Pairs.
func recordWatchdogResults(ctx context.Context, db *store.DB, results map[string]canary.Result) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		before, err := readJSONSetting[map[string]canary.Result](tx, watchdogResultsSetting)
		if err != nil {
			return err
		}
		merged := map[string]canary.Result{}
		for u, r := range results {
			if r.SentAt.IsZero() {
				r.SentAt = before[u].SentAt
			}
			merged[u] = r
		}
		for u, r := range before { // URLs that are no longer in use are dropped after a day
			if _, fresh := merged[u]; !fresh && time.Since(r.At) < 24*time.Hour {
				merged[u] = r
			}
		}
		return writeJSONSetting(tx, watchdogResultsSetting, merged)
	})
}

// readJSONSetting reads a setting, the zero value if it is not set.
func readJSONSetting[T any](tx *store.Tx, name string) (value T, err error) {
	text, found, err := tx.Setting(name)
	if err != nil || !found {
		return value, err
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return value, fmt.Errorf("setting %s: %w", name, err)
	}
	return value, nil
}

// writeJSONSetting stores a setting.
func writeJSONSetting(tx *store.Tx, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return tx.SetSetting(name, string(text))
}
