package wire

import (
	"overdue/internal/pingid"
	"overdue/internal/store"
)

// HideIDs replaces every heartbeat id in texts, so that they can be sent, or shown to people
// without the right to ping. It knows the ids of all heartbeats, including those of other projects.
// own is the id of the heartbeat that the texts come from: its start at the end of a truncated text
// is also replaced. own is optional.
func HideIDs(tx *store.Tx, own string, texts ...*string) error {
	var candidates []string
	for _, text := range texts {
		candidates = append(candidates, pingid.Find(*text)...)
	}
	var ids []string
	if len(candidates) > 0 {
		var err error
		if ids, err = tx.KnownPingIDs(candidates); err != nil {
			return err
		}
	}
	for _, text := range texts {
		if own == "" {
			*text = pingid.Hide(*text, ids...)
		} else {
			*text = pingid.HideTruncated(*text, own, ids...)
		}
	}
	return nil
}
