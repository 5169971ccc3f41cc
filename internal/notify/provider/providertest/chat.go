package providertest

import "overdue/internal/notify/setting"

func chat(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"slack": {
			{"token": "xoxb-1-SECRET", "channel": "#alerts", "base_url": server},
			{"url": server + "/services/T000/B000/hookSECRET"},
		},
	}
}
