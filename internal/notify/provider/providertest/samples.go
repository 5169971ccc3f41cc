// Package providertest gives tests valid settings of every service.
package providertest

import (
	"maps"

	"overdue/internal/notify/setting"
)

// Samples returns valid settings of every service, by name: one for each way to connect, and together with all of its
// fields. URLs begin with server, such as "https://a.example".
func Samples(server string) map[string][]setting.Values {
	all := map[string][]setting.Values{}
	for _, part := range []map[string][]setting.Values{chat(server), push(server), onCall(server), phone(server), generic(server)} {
		maps.Copy(all, part)
	}
	return all
}
