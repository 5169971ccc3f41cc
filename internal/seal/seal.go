// Package seal is the only place that encrypts what is stored: AES-256-GCM with
// random nonces (NIST SP 800-38D), under a key that is kept apart from the
// database. Each value is bound to what it is about, so that one cannot take the
// place of another, and names the key that it was sealed with.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// keySize is the size of a key in bytes.
const keySize = 32

// prefix begins every sealed value. It is followed by the id of the key and the
// value in base64.
const prefix = "sealed:1:"

// Key seals and opens values.
type Key struct {
	id   string
	aead cipher.AEAD
}

// GenerateKey returns the text of a new key, for [ParseKey].
func GenerateKey() string {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never returns an error: documented since Go 1.24
	return base64.StdEncoding.EncodeToString(key)
}

// ParseKey reads a key: 32 bytes in base64, with or without white space around it.
// Its errors do not repeat the text.
func ParseKey(text string) (*Key, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(secret) != keySize {
		return nil, errors.New("not a secret key: it must be 32 bytes in base64, as `overdue secret-key create` writes them")
	}
	// Derived (RFC 5869), so that the id does not reveal the key.
	sealing, err := hkdf.Key(sha256.New, secret, nil, "overdue seal 1", keySize)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	id, err := hkdf.Key(sha256.New, secret, nil, "overdue key id 1", 8)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	return &Key{hex.EncodeToString(id), aead}, nil
}

// ID returns the id of the key. It is not secret: the database stores it, so that a
// wrong key is detected before it is used.
func (k *Key) ID() string { return k.id }

// Seal returns text encrypted and bound to what it is about.
func (k *Key) Seal(about, text string) string {
	return prefix + k.id + ":" + base64.RawStdEncoding.EncodeToString(k.aead.Seal(nil, nil, []byte(text), []byte(about)))
}

// Open returns the text of a value that Seal made for the same about. A value
// that is not sealed is an error.
func (k *Key) Open(about, value string) (string, error) {
	id, coded, found := strings.Cut(strings.TrimPrefix(value, prefix), ":")
	if !IsSealed(value) || !found {
		return "", errors.New("not a sealed value")
	}
	if id != k.id {
		return "", fmt.Errorf("sealed with the secret key %s, not %s", id, k.id)
	}
	closed, err := base64.RawStdEncoding.Strict().DecodeString(coded)
	if err != nil {
		return "", errors.New("sealed value damaged")
	}
	plain, err := k.aead.Open(nil, nil, closed, []byte(about))
	if err != nil {
		return "", errors.New("sealed value damaged, or moved here from elsewhere")
	}
	return string(plain), nil
}

// IsSealed reports whether a value was made by Seal, with any key.
func IsSealed(value string) bool { return strings.HasPrefix(value, prefix) }
