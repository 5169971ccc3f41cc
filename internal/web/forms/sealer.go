package forms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
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
