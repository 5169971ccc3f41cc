package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// keyPrefix makes keys recognizable to people and secret scanners.
const keyPrefix = "ovd_"

// keyLength is the number of random characters after the prefix: base32, so 200 bits.
const keyLength = 40

// NewKey returns a new API key. It is shown once; only its hash is stored.
func NewKey() string {
	return keyPrefix + (rand.Text() + rand.Text())[:keyLength]
}

// HashKey returns the stored form of a key: its SHA-256 in hex.
//
// A fast hash is sufficient, unlike for a password: a key has 200 random bits,
// which cannot be guessed, and it is checked on every request.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// LooksLikeKey reports whether a text has the format of a key. The key
// does not necessarily exist.
func LooksLikeKey(text string) bool {
	random, found := strings.CutPrefix(text, keyPrefix)
	return found && len(random) == keyLength
}
