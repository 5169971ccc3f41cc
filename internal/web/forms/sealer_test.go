package forms

import (
	"testing"
	"time"
)

func TestSealer_SecretsExpireAndFitOnlyTheirForm(t *testing.T) {
	s, err := NewSealer("key")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	text := s.SealSecrets(map[string]any{"secret": "x"}, "form", now)
	other, err := NewSealer("other key")
	if err != nil {
		t.Fatal(err)
	}
	if s.OpenSecrets(text, "form", now.Add(secretsMaxAge))["secret"] != "x" {
		t.Error("the secrets expired too early")
	}
	if s.OpenSecrets(text, "form", now.Add(secretsMaxAge+time.Second)) != nil || s.OpenSecrets(text, "other form", now) != nil || s.OpenSecrets(text[1:], "form", now) != nil || other.OpenSecrets(text, "form", now) != nil {
		t.Error("the secrets were decrypted in another context")
	}
}
