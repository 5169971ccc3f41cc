package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/notify"
)

// secretsMaxAge is for how long a form that came back still knows the secrets that
// were typed into it.
const secretsMaxAge = 30 * time.Minute

// Sealer closes what a form must bring back and nobody may read on the page
// (AES-256-GCM, NIST SP 800-38D). Nothing is kept on the server, so every node
// and every tab has its own.
type Sealer struct{ aead cipher.AEAD }

// NewSealer makes one of a secret, or of chance when there is none.
func NewSealer(secret string) (Sealer, error) {
	if secret == "" {
		secret = rand.Text() + rand.Text()
	}
	key := sha256.Sum256([]byte("form\x00" + secret))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return Sealer{}, fmt.Errorf("key of forms: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Sealer{}, fmt.Errorf("key of forms: %w", err)
	}
	return Sealer{aead}, nil
}

// sealedSecrets is what lies in a seal.
type sealedSecrets struct {
	Expires  time.Time      `json:"ends"`
	Settings map[string]any `json:"settings"`
}

// SealSecrets closes secret settings; about says whose form they belong to.
func (s Sealer) SealSecrets(settings map[string]any, about string, now time.Time) string {
	if len(settings) == 0 {
		return ""
	}
	plain, _ := json.Marshal(sealedSecrets{now.Add(secretsMaxAge), settings}) // texts always marshal
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(about)))
}

// OpenSecrets returns the settings in a seal, none when it is not ours, belongs to
// another form, or is too old.
func (s Sealer) OpenSecrets(text, about string, now time.Time) map[string]any {
	closed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	plain, err := s.aead.Open(nil, nil, closed, []byte(about))
	if err != nil {
		return nil
	}
	var content sealedSecrets
	if json.Unmarshal(plain, &content) != nil || now.After(content.Expires) {
		return nil
	}
	return content.Settings
}

// secretsContext names the form of a channel that a seal belongs to: nobody else can
// use it, and it fits no other channel and no other destination.
func (v *request) secretsContext(kind, id string) string {
	k, _ := notify.KindOf(kind)
	typed := notify.Settings{}
	for _, f := range k.Fields {
		if f.Destination {
			typed[f.Name] = v.formValue("settings." + f.Name)
		}
	}
	return fmt.Sprintf("%q", []string{v.person.ID, v.actor.Project.Slug, kind, id, k.Destination(typed)})
}

// submittedSecrets are the secrets of a channel's form: those typed now, and those
// typed before that the form brought back.
func (v *request) submittedSecrets(kind, id string) map[string]any {
	k, _ := notify.KindOf(kind)
	before := v.site.sealer.OpenSecrets(v.formValue("kept"), v.secretsContext(kind, id), v.now)
	all := map[string]any{}
	for _, f := range k.Fields {
		if v.formValue(TakePrefix+"settings."+f.Name) == "theirs" {
			continue
		}
		value, given := ParseSetting(f, v.formValue("settings."+f.Name))
		if secret := SubmittedSecret(f, value, given, before[f.Name]); secret != nil {
			all[f.Name] = secret
		}
	}
	return all
}

// SubmittedSecret is the secret of one field, nil for none. Dots, or nothing where
// something was kept, stand for what was kept.
func SubmittedSecret(f notify.Field, value any, given bool, before any) any {
	pairs, many := value.(map[string]any)
	switch {
	case many:
		old, _ := before.(map[string]any)
		all := map[string]any{}
		for name, text := range pairs {
			if text != notify.Masked {
				all[name] = text
			} else if kept, found := old[name]; found {
				all[name] = kept
			}
		}
		if len(all) == 0 {
			return nil
		}
		return all
	case !f.Secret:
		return nil
	case given && value != "":
		return value
	}
	return before
}

// RestoreSecrets puts the secrets of a form in the place of the dots that stand for
// them.
func RestoreSecrets(settings, secrets map[string]any) {
	for name, secret := range secrets {
		kept, many := secret.(map[string]any)
		pairs, there := settings[name].(map[string]any)
		if !many || !there {
			settings[name] = secret
			continue
		}
		for header, text := range kept {
			if pairs[header] == notify.Masked {
				pairs[header] = text
			}
		}
	}
}
