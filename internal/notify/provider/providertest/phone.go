package providertest

import "overdue/internal/notify/setting"

func phone(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"twilio": {
			{
				"account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "twilioSECRET", "from": "+15005550006",
				"to": []any{"+491511234567", "+15551234567"}, "base_url": server,
			},
			{
				"account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "twilioSECRET", "from": "MG0123456789abcdef0123456789abcdef",
				"to": []any{"+491511234567"}, "base_url": server,
			},
		},
		"signal": {{"url": server, "number": "+491510000000", "recipients": []any{"+491511234567", "group.abc=", "u:ann.01"}}},
	}
}
