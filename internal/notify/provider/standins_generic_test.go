package provider

func genericStandIns() map[string]standIn {
	return map[string]standIn{"alertmanager": alertmanagerStandIn()}
}
