package store

import "fmt"

// ChannelNames tells the name of every channel that a project has or had, by
// id: histories speak of channels that are gone.
func (tx *Tx) ChannelNames(project int64) (map[string]string, error) {
	type named struct{ id, name string }
	all, err := queryAll(tx, func(row scanner) (n named, err error) { return n, row.Scan(&n.id, &n.name) },
		`SELECT id, name FROM channels WHERE project = $1`, project)
	if err != nil {
		return nil, fmt.Errorf("names of channels: %w", err)
	}
	names := make(map[string]string, len(all))
	for _, n := range all {
		names[n.id] = n.name
	}
	return names, nil
}
