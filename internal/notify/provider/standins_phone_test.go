package provider

func phoneStandIns() map[string]standIn { return map[string]standIn{} }
