package providertest

import "overdue/internal/notify/setting"

func generic(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"apprise": {
			{"url": server, "urls": "json://localhost/SECRET1, xml://localhost/SECRET2"},
			{"url": server, "key": "overdue"},
		},
		"alertmanager": {
			{"url": server, "username": "overdue", "password": "amSECRET", "labels": map[string]any{"team": "ops"}},
			{"url": server + "/prefix/api/v2/alerts"},
		},
	}
}
