package providertest

import "overdue/internal/notify/setting"

func onCall(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"pagerduty": {{"routing_key": "R0UT1NGSECRET", "base_url": server}},
	}
}
