package providertest

import "overdue/internal/notify/setting"

func onCall(server string) map[string][]setting.Values {
	return map[string][]setting.Values{
		"pagerduty":  {{"routing_key": "R0UT1NGSECRET", "base_url": server}},
		"opsgenie":   {{"api_key": "genieSECRET", "team": "Platform", "base_url": server}},
		"jsm":        {{"api_key": "genieSECRET", "base_url": server}},
		"victorops":  {{"url": server + "/integrations/generic/20131114/alert/voSECRET/database"}},
		"incidentio": {{"url": server + "/v2/alert_events/http/01GW2G", "token": "incidentSECRET"}},
		"rootly":     {{"url": server + "/webhooks/incoming/generic_webhooks/notify/Service/s1?secret=rootlySECRET"}},
		"squadcast":  {{"url": server + "/v2/incidents/api/squadSECRET"}},
		"goalert":    {{"url": server + "/api/v2/generic/incoming?token=goSECRET"}},
	}
}
