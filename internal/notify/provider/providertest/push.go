package providertest

import "overdue/internal/notify/setting"

func push(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"ntfy": {
			{"url": server, "topic": "alerts", "username": "ops", "password": "ntfySECRET"},
			{"url": server, "topic": "alerts", "token": "tk_SECRET"},
		},
		"gotify": {{"url": server, "token": "gtfya.SECRET"}},
		"pushover": {
			{"token": "appSECRET", "user": "userSECRET", "device": "phone", "base_url": server},
			{"token": "appSECRET", "user": "userSECRET", "base_url": server},
		},
	}
}
