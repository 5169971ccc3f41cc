package auth

import "testing"

func TestSoundName_APersonCannotPassForAProgram(t *testing.T) {
	for _, name := range []string{"API key deploy", "api  key me", " Api Key", "link from Ops", "Command line", "COMMAND\u00a0LINE 2"} {
		if _, fault := soundName(name); fault == nil {
			t.Errorf("%q was accepted as the name of a person", name)
		}
	}
	for _, name := range []string{"Ada", "Apia Keys", "The API key keeper"} {
		if _, fault := soundName(name); fault != nil {
			t.Errorf("%q was rejected: %s", name, fault.Text)
		}
	}
}
