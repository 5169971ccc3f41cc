package providertest

import "overdue/internal/notify/setting"

func chat(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"slack": {
			{"token": "xoxb-1-SECRET", "channel": "#alerts", "base_url": server},
			{"url": server + "/services/T000/B000/hookSECRET"},
		},
		"teams":       {{"url": server + "/workflows/1/triggers/manual/paths/invoke?api-version=1&sig=hookSECRET"}},
		"discord":     {{"url": server + "/api/webhooks/1/hookSECRET"}},
		"google_chat": {{"url": server + "/v1/spaces/AAA/messages?key=keySECRET&token=hookSECRET"}},
		"telegram": {
			{"token": "123456:tgSECRET", "chat_id": "-1001", "thread_id": "7", "base_url": server},
			{"token": "123456:tgSECRET", "chat_id": "@alerts", "base_url": server},
		},
		"mattermost": {{"url": server + "/hooks/hookSECRET"}},
		"rocketchat": {{"url": server + "/hooks/1/hookSECRET"}},
		"matrix":     {{"url": server, "token": "syt_SECRET", "room_id": "!room:example.com"}},
		"zulip": {
			{"url": server, "email": "bot@example.com", "api_key": "zulipSECRET", "stream": "alerts", "topic": "overdue"},
			{"url": server, "email": "bot@example.com", "api_key": "zulipSECRET", "stream": "alerts"},
		},
		"webex": {{"token": "webexSECRET", "room_id": "Y2lzY28", "base_url": server}},
	}
}
