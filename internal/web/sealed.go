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

// sealLife is for how long a form that came back still knows the secrets that
// were typed into it.
const sealLife = 30 * time.Minute

// sealer closes what a form must bring back and nobody may read on the page
// (AES-256-GCM, NIST SP 800-38D). Nothing is kept on the server, so every node
// and every tab has its own.
type sealer struct{ aead cipher.AEAD }

// newSealer makes one of a secret, or of chance when there is none.
func newSealer(secret string) (sealer, error) {
	if secret == "" {
		secret = rand.Text() + rand.Text()
	}
	key := sha256.Sum256([]byte("form\x00" + secret))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return sealer{}, fmt.Errorf("key of forms: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("key of forms: %w", err)
	}
	return sealer{aead}, nil
}

// sealed is what lies in a seal.
type sealed struct {
	Ends     time.Time      `json:"ends"`
	Settings map[string]any `json:"settings"`
}

// seal closes secret settings; about says whose form they belong to.
func (s sealer) seal(settings map[string]any, about string, now time.Time) string {
	if len(settings) == 0 {
		return ""
	}
	plain, _ := json.Marshal(sealed{now.Add(sealLife), settings}) // texts always marshal
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(about)))
}

// open returns the settings in a seal, none when it is not ours, belongs to
// another form, or is too old.
func (s sealer) open(text, about string, now time.Time) map[string]any {
	closed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	plain, err := s.aead.Open(nil, nil, closed, []byte(about))
	if err != nil {
		return nil
	}
	var content sealed
	if json.Unmarshal(plain, &content) != nil || now.After(content.Ends) {
		return nil
	}
	return content.Settings
}

// formOf names the form of a channel that a seal belongs to: nobody else can
// use it, and it fits no other channel and no other destination.
func (v *visit) formOf(kind, id string) string {
	k, _ := notify.KindOf(kind)
	typed := notify.Settings{}
	for _, f := range k.Fields {
		if f.Destination {
			typed[f.Name] = v.text("settings." + f.Name)
		}
	}
	return fmt.Sprintf("%q", []string{v.who.ID, v.actor.Project.Slug, kind, id, k.Destination(typed)})
}

// typedSecrets are the secrets of a channel's form: those typed now, and those
// typed before that the form brought back.
func (v *visit) typedSecrets(kind, id string) map[string]any {
	k, _ := notify.KindOf(kind)
	before := v.site.sealer.open(v.text("kept"), v.formOf(kind, id), v.now)
	all := map[string]any{}
	for _, f := range k.Fields {
		if v.text(take+"settings."+f.Name) == "theirs" {
			continue
		}
		value, given := read(f, v.text("settings."+f.Name))
		if secret := secretOf(f, value, given, before[f.Name]); secret != nil {
			all[f.Name] = secret
		}
	}
	return all
}

// secretOf is the secret of one field, nil for none. Dots, or nothing where
// something was kept, stand for what was kept.
func secretOf(f notify.Field, value any, given bool, before any) any {
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

// withSecrets puts the secrets of a form in the place of the dots that stand for
// them.
func withSecrets(settings, secrets map[string]any) {
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
