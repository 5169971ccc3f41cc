package auth

import "testing"

func TestValidateName_APersonCannotPassForAProgram(t *testing.T) {
	for _, name := range []string{
		"API key deploy", "api  key me", " Api Key", "link from Ops", "Command line", "COMMAND\u00a0LINE 2",
		"\u200bcommand line", "c\u200bommand line", "com\u00admand line", "link\ufeff from x", "API\u2060 key x", "ｃommand line",
	} {
		if _, fault := validateName(name); fault == nil {
			t.Errorf("%q was accepted as the name of a person", name)
		}
	}
	for _, name := range []string{"Ada", "Apia Keys", "The API key keeper"} {
		if _, fault := validateName(name); fault != nil {
			t.Errorf("%q was rejected: %s", name, fault.Message)
		}
	}
}

func TestValidateName_MustBeVisible(t *testing.T) {
	for _, name := range []string{"\u200b", "\u200d\ufe0f", "\u3164", "\u2800", "\u115f\u00ad"} {
		if _, fault := validateName(name); fault == nil {
			t.Errorf("%+q was accepted, but is invisible", name)
		}
	}
	for _, name := range []string{"夜間", "نتونی", "👩\u200d🚀", "Ⅷ"} {
		if _, fault := validateName(name); fault != nil {
			t.Errorf("%q was rejected: %s", name, fault.Message)
		}
	}
}
