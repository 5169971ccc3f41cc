package providertest

import "overdue/internal/notify/setting"

func generic(server string) map[string][]setting.Values {
	return map[string][]setting.Values{}
}
