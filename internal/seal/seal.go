// Package seal is the only place that encrypts stored secrets: AES-256-GCM with
// random nonces (NIST SP 800-38D), with a key that is stored outside the database.
// Each value is bound to its name, so that one value cannot replace another, and
// contains the id of its key.
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

// prefix is the start of every sealed value. The id of the key and the value in
// base64 follow.
const prefix = "sealed:1:"

// Key seals and opens values.
type Key struct {
	id   string
	aead cipher.AEAD
}

// GenerateKey returns the text of a new key, for [ParseKey].
func GenerateKey() string {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // it never returns an error (documented since Go 1.24)
	return base64.StdEncoding.EncodeToString(key)
}

// ParseKey parses a key: 32 bytes in base64, with optional white space around it.
// Its errors do not contain the text.
func ParseKey(text string) (*Key, error) {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(secret) != keySize {
		return nil, errors.New("invalid secret key: it must be 32 bytes in base64; `overdue secret-key create` creates one")
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

// Seal returns a text encrypted and bound to its name.
func (k *Key) Seal(name, text string) string {
	return prefix + k.id + ":" + base64.RawStdEncoding.EncodeToString(k.aead.Seal(nil, nil, []byte(text), []byte(name)))
}

// Open returns the text of a value that Seal returned for the same name. A value
// that is not sealed is an error.
func (k *Key) Open(name, value string) (string, error) {
	id, coded, found := strings.Cut(strings.TrimPrefix(value, prefix), ":")
	if !IsSealed(value) || !found {
		return "", errors.New("not a sealed value")
	}
	if id != k.id {
		return "", fmt.Errorf("encrypted with the secret key %s, not %s", id, k.id)
	}
	closed, err := base64.RawStdEncoding.Strict().DecodeString(coded)
	if err != nil {
		return "", errors.New("sealed value damaged")
	}
	plain, err := k.aead.Open(nil, nil, closed, []byte(name))
	if err != nil {
		return "", errors.New("sealed value damaged, or copied from another name")
	}
	return string(plain), nil
}

// IsSealed reports whether a value is a result of Seal, with any key.
func IsSealed(value string) bool { return strings.HasPrefix(value, prefix) }
