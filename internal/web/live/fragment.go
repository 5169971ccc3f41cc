package live

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// Fragment is a piece of a page that is replaced when its state changes.
type Fragment struct {
	Key    string // identifies the fragment within the stream
	Event  string // the name of its event; empty: "row"
	State  any    // what it is rendered from
	Render func(ui.Clock) templ.Component
	// Name and Status are those of the heartbeat in a row. A new status is announced
	// to screen readers.
	Name, Status string
	// Announcement is announced to screen readers when the fragment changes, at a
	// limited rate. Only the fragment [NewsKey] has one.
	Announcement string
}

// Snapshot is the content of a page at one moment.
type Snapshot struct {
	Fragments []Fragment
	Title     string // of the document; empty: unchanged
}

// StaticPrefix begins the key of every fragment that is not a row of a list.
const StaticPrefix = "-"

// NewsKey is the key of the fragment that counts the matches outside a list.
const NewsKey = StaticPrefix + "news"

// maxStatic bounds how many fragments of a page are not rows.
const maxStatic = 50

// Digest returns a short hash of a state. A page and a stream that render the same
// state have the same digest.
func Digest(state any) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%+v", state)
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// FragmentRef names a fragment and the digest of the state that a page shows.
type FragmentRef struct{ Key, Digest string }

// StreamURL returns the address of the stream of a page with these fragments, or ""
// if there are none. The address carries their digests, so the stream sends what
// changes between the page and the stream, and nothing twice. q holds the further
// parameters of the stream.
func StreamURL(path string, q url.Values, refs []FragmentRef) string {
	if len(refs) == 0 {
		return ""
	}
	var list []string
	for _, ref := range refs {
		list = append(list, shortKey(ref.Key)+"."+ref.Digest)
	}
	// Keys and digests have no characters that a URL must escape.
	of := "of=" + strings.Join(list, "~")
	if len(q) > 0 {
		of = q.Encode() + "&" + of
	}
	return path + "?" + of
}

// ParseStreamURL reads the query of [StreamURL]. It returns the keys of at most
// maxRows rows, and the digests of all fragments by key.
func ParseStreamURL(q url.Values, maxRows int) (rows []string, digests map[string]string) {
	digests = map[string]string{}
	for _, ref := range strings.Split(q.Get("of"), "~") {
		key, digest, found := strings.Cut(ref, ".")
		if !found || len(digests) >= maxRows+maxStatic {
			continue
		}
		key = longKey(key)
		if digests[key] = digest; !strings.HasPrefix(key, StaticPrefix) && len(rows) < maxRows {
			rows = append(rows, key)
		}
	}
	return rows, digests
}

// shortPrefix begins a reference of 32 hexadecimal digits that is written in base64.
const shortPrefix = "_"

// shortKey shortens the references of heartbeats: the address of a stream of 200 rows
// must be shorter than the maximum length of a URL, 8 kB.
func shortKey(key string) string {
	id, err := hex.DecodeString(key)
	if err != nil || len(id) != 16 || hex.EncodeToString(id) != key {
		return key
	}
	return shortPrefix + base64.RawURLEncoding.EncodeToString(id)
}

// longKey returns the key that shortKey shortened.
func longKey(short string) string {
	text, isShort := strings.CutPrefix(short, shortPrefix)
	if id, err := base64.RawURLEncoding.DecodeString(text); isShort && err == nil && len(id) == 16 {
		return hex.EncodeToString(id)
	}
	return short
}

// Fragments turns the fragments of a page into those of its stream. Their state is
// what they render under a fixed clock, so a change of a relative time is no change
// of the state.
func Fragments(ctx context.Context, zone *time.Location, list []layout.Fragment) ([]Fragment, error) {
	ctx = ui.WithOrigin(ctx, ui.FormOrigin{}) // hidden fields are not part of the state
	clock := ui.Clock{Now: time.Unix(0, 0).UTC(), Zone: zone}
	var all []Fragment
	for _, f := range list {
		var html bytes.Buffer
		if err := f.Draw(clock).Render(ctx, &html); err != nil {
			return nil, fmt.Errorf("live page: render %s: %w", f.Name, err)
		}
		all = append(all, Fragment{Key: StaticPrefix + f.Name, Event: "part", State: html.String(), Render: f.Draw})
	}
	return all, nil
}

// FragmentRefs returns the references to the fragments of a page.
func FragmentRefs(ctx context.Context, zone *time.Location, list []layout.Fragment) ([]FragmentRef, error) {
	all, err := Fragments(ctx, zone, list)
	var refs []FragmentRef
	for _, f := range all {
		refs = append(refs, FragmentRef{f.Key, Digest(f.State)})
	}
	return refs, err
}
