package app

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"overdue/internal/notify"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

func TestServe_TheFirstStartPrintsALinkThatCreatesTheOwner(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer closeDatabase(db, slog.New(slog.DiscardHandler))
			if _, err := ensureProject(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			outside, err := notify.NewSender(notify.Options{})
			if err != nil {
				t.Fatal(err)
			}
			const base = "http://localhost:8080"
			var out bytes.Buffer
			o := Options{Out: &out, Database: "overdue.db"}
			f, err := newHandlers(t.Context(), o, NewEngine(db, nil, base, slog.New(slog.DiscardHandler)), outside, base)
			if err != nil {
				t.Fatal(err)
			}
			link, err := f.ensureOwner(t.Context(), o, base)
			if err != nil {
				t.Fatal(err)
			}
			o.printWelcome(base, true, link)
			token, found := strings.CutPrefix(link, base+"/setup?token=")
			if !found || !strings.Contains(out.String(), link) {
				t.Fatalf("link %q, printed:\n%s", link, &out)
			}
			form := url.Values{"token": {token}, "name": {"Ada"}, "email": {"ada@example.com"}, "password": {"correct horse battery"}, "timezone": {"UTC"}}
			r := httptest.NewRequest("POST", "/setup", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			f.site.ServeHTTP(w, r)
			if w.Code != 303 {
				t.Fatalf("answered %d: %s", w.Code, w.Body)
			}
			if hash := passwordHash(t, db, "ada@example.com"); !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("the password is stored as %q", hash)
			}
			if again, err := f.ensureOwner(t.Context(), o, base); again != "" || err != nil {
				t.Errorf("another link %q, %v", again, err)
			}
		})
	}
}

func TestServe_AnOwnerFromTheSettingsNeedsNoLink(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer closeDatabase(db, slog.New(slog.DiscardHandler))
			outside, err := notify.NewSender(notify.Options{})
			if err != nil {
				t.Fatal(err)
			}
			const base = "http://localhost:8080"
			o := Options{OwnerEmail: "ada@example.com", OwnerPassword: "short"}
			f, err := newHandlers(t.Context(), o, NewEngine(db, nil, base, slog.New(slog.DiscardHandler)), outside, base)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.ensureOwner(t.Context(), o, base); err == nil {
				t.Error("a password that is too short was taken")
			}
			o.OwnerPassword = "correct horse battery"
			if link, err := f.ensureOwner(t.Context(), o, base); link != "" || err != nil {
				t.Errorf("link %q, %v", link, err)
			}
		})
	}
}

// passwordHash returns the stored hash of a person's password.
func passwordHash(t *testing.T, db *store.DB, email string) (hash string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) (err error) {
		_, hash, _, err = tx.PersonByEmail(email)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
