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

// secretsMaxAge is the maximum age of the secrets in a form that is shown again.
const secretsMaxAge = 30 * time.Minute

// Sealer encrypts values that a form must bring back and that must be unreadable on the
// page (AES-256-GCM, NIST SP 800-38D). The server stores nothing, so all nodes and
// tabs are independent.
type Sealer struct{ aead cipher.AEAD }

// NewSealer derives a key from a secret. If the secret is empty, the key is random.
func NewSealer(secret string) (Sealer, error) {
	if secret == "" {
		secret = rand.Text() + rand.Text()
	}
	key := sha256.Sum256([]byte("form\x00" + secret))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return Sealer{}, fmt.Errorf("form key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Sealer{}, fmt.Errorf("form key: %w", err)
	}
	return Sealer{aead}, nil
}

// sealedSecrets is the encrypted content.
type sealedSecrets struct {
	Expires  time.Time      `json:"ends"`
	Settings map[string]any `json:"settings"`
}

// SealSecrets encrypts secret settings, bound to the form that about identifies.
func (s Sealer) SealSecrets(settings map[string]any, about string, now time.Time) string {
	if len(settings) == 0 {
		return ""
	}
	plain, _ := json.Marshal(sealedSecrets{now.Add(secretsMaxAge), settings}) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(about)))
}

// OpenSecrets decrypts settings. It returns nil if they were sealed with another
// key or for another form, or have expired.
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
