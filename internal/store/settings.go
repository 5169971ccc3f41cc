package store

import "fmt"

// Setting returns a value that all nodes share, and whether it is set.
func (tx *Tx) Setting(name string) (string, bool, error) {
	return queryOne(tx, func(row scanner) (value string, err error) { return value, row.Scan(&value) },
		`SELECT value FROM settings WHERE name = $1`, name)
}

// SetSetting keeps a value in place of any before.
func (tx *Tx) SetSetting(name, value string) error {
	_, err := tx.exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}

// EnsureSetting keeps a value unless there is one, and returns what is kept then:
// of several nodes that make a secret at once, all use the same.
func (tx *Tx) EnsureSetting(name, value string) (string, error) {
	if _, err := tx.exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value); err != nil {
		return "", fmt.Errorf("setting %s: %w", name, err)
	}
	kept, _, err := tx.Setting(name)
	return kept, err
}

// DeleteSetting forgets a value. It reports whether there was that one, so that
// what works once works for one only.
func (tx *Tx) DeleteSetting(name, value string) (bool, error) {
	n, err := tx.exec(`DELETE FROM settings WHERE name = $1 AND value = $2`, name, value)
	if err != nil {
		return false, fmt.Errorf("setting %s: %w", name, err)
	}
	return n > 0, nil
}
