package providertest

import "overdue/internal/notify/setting"

func push(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"ntfy": {
			{"url": server, "topic": "alerts", "username": "ops", "password": "ntfySECRET"},
			{"url": server, "topic": "alerts", "token": "tk_SECRET"},
		},
	}
}
