package auth

import (
	"strings"
	"testing"
)

func TestNewHasher_TheDummyHashCostsAsMuchAsARealOne(t *testing.T) {
	h := newHasher(PasswordCost)
	hash, err := h.create("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	real, dummy := strings.Split(hash, "$"), strings.Split(h.dummy, "$")
	if strings.Join(real[:4], "$") != strings.Join(dummy[:4], "$") || len(real[4]) != len(dummy[4]) || len(real[5]) != len(dummy[5]) {
		t.Errorf("the dummy hash is %s, a real one is %s", h.dummy, hash)
	}
	if same, err := h.compare("", h.dummy); same || err != nil {
		t.Errorf("the dummy hash matches: %v, %v", same, err)
	}
}
