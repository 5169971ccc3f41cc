package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// keyPrefix makes a key recognisable to people and to secret scanners.
const keyPrefix = "ovd_"

// keyLength is how many random characters follow the prefix: base32, so 200 bits.
const keyLength = 40

// NewKey makes the secret of an API key. It is shown once; only its hash is kept.
func NewKey() string {
	return keyPrefix + (rand.Text() + rand.Text())[:keyLength]
}

// HashKey returns what is stored of a key: its SHA-256 in hex.
//
// A fast hash is right here, where for a password it would be wrong: a key has
// 200 random bits, so nobody can try them all however quick a try is, and it
// is checked on every request.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// LooksLikeKey reports whether a text has the form of a key, which says nothing
// about whether there is such a key.
func LooksLikeKey(text string) bool {
	random, found := strings.CutPrefix(text, keyPrefix)
	return found && len(random) == keyLength
}
