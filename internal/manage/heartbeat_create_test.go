package manage

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSlugFromName_KeepsWhatAURLCanShow(t *testing.T) {
	for name, want := range map[string]string{
		"Nightly backup":           "nightly-backup",
		"  --Ärger & Übermut!  ":   "arger-ubermut",
		"Étude №5":                 "etude-no5",
		"db_dump.v2":               "db-dump-v2",
		"Резервная копия":          "heartbeat",
		"ﬁle":                      "file",
		"42":                       "42",
		strings.Repeat("ab ", 100): strings.Repeat("ab-", 29) + "ab",
	} {
		if got := SlugFromName(name); got != want || len(got) > maxSlugLength-10 {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func TestAvailableSlug_EndsANumberRaceWithRandomLetters(t *testing.T) {
	// It needs no database: it does not matter what others take in the meantime.
	slug, err := availableSlug(nil, 1, "Sync", maxNumberedAttempts+1)
	if err != nil || !strings.HasPrefix(slug, "sync-") || len(slug) != len("sync-")+8 {
		t.Errorf("%q, %v", slug, err)
	}
	v := &validator{}
	if v.slug(slug); v.err() != nil {
		t.Error(v.err())
	}
}

func TestSlugFromName_EveryGeneratedSlugIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		v := &validator{}
		if v.slug(SlugFromName(name)); v.err() != nil {
			t.Fatalf("%q became %q: %v", name, SlugFromName(name), v.err())
		}
	})
}
