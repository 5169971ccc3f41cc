package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
)

// knownBrowser signs ada in and returns the token of her browser.
func (h *fixture) knownBrowser() (token string) {
	h.Helper()
	h.withRequest(nil, func(ctx context.Context) {
		if err := h.people.SignIn(ctx, "ada@example.com", currentPassword, auth.ClientInfo{Address: "192.0.2.1"}, h.began); err != nil {
			h.Fatal(err)
		}
		c, err := h.people.BrowserCookie(ctx, h.began)
		if err != nil || c.Name != "__Host-overdue-browser" || !c.Secure || !c.HttpOnly || c.MaxAge != 30*24*3600 {
			h.Fatal(c, err)
		}
		token = c.Value
	})
	return token
}

// trySignIn signs ada in, from an address and in a browser.
func (h *fixture) trySignIn(password, address, browser string, now time.Time) (err error) {
	h.withRequest(nil, func(ctx context.Context) {
		err = h.people.SignIn(ctx, "ada@example.com", password, auth.ClientInfo{Address: address, BrowserToken: browser}, now)
	})
	return err
}

func TestSignIn_WrongPasswordsOfOthersLockNobodyOut(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		browser := h.knownBrowser()
		h.people.QuickChecks(currentPassword)
		var delays []time.Duration
		h.people.RecordDelays(func(d time.Duration) { delays = append(delays, d) })
		for n := range 101 {
			address := fmt.Sprintf("2001:db8:%x::1", n)
			if n < 12 {
				address = "192.0.2.1" // the address of ada
			}
			if err := h.trySignIn("wrong", address, "", h.began); err == nil {
				h.Fatal("signed in with a wrong password")
			}
		}
		if err := h.trySignIn(currentPassword, "192.0.2.1", "", h.began); err == nil {
			h.Error("an unknown browser at an address with ten wrong tries is let in")
		}
		if err := h.trySignIn(currentPassword, "192.0.2.1", browser, h.began); err != nil {
			h.Errorf("the browser that ada signed in with: %v", err)
		}
		if len(delays) != 0 {
			h.Errorf("delays %v before there were a hundred tries, or in a known browser", delays)
		}
		for n := range 2 {
			if err := h.trySignIn("wrong", fmt.Sprintf("198.51.100.%d", n), "", h.began); err == nil {
				h.Fatal("signed in with a wrong password")
			}
		}
		if err := h.trySignIn(currentPassword, "203.0.113.1", "", h.began); err != nil || len(delays) == 0 {
			h.Errorf("the right password in an unknown browser, elsewhere: %v, delays %v; want a delay and no refusal", err, delays)
		}
	})
}

func TestSignIn_AKnownBrowserIsKnownForItsPersonAndThirtyDays(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		browser := h.knownBrowser()
		h.people.QuickChecks(currentPassword)
		for range 10 {
			h.expectFault(h.trySignIn("wrong", "192.0.2.7", browser, h.began), monitor.Invalid, "password")
		}
		h.expectFault(h.trySignIn(currentPassword, "192.0.2.7", browser, h.began), monitor.RateLimited, "password")
		h.expectFault(h.trySignIn(currentPassword, "192.0.2.8", browser, h.began), monitor.RateLimited, "password") // a known browser is counted at every address
		forged := browser[:len(browser)-2] + "AA"
		for name, token := range map[string]string{"forged": forged, "rubbish": "x", "none": ""} {
			if err := h.trySignIn(currentPassword, "192.0.2.7", token, h.began); err != nil {
				h.Errorf("%s token: %v; want it to count as an unknown browser", name, err)
			}
		}
		if err := h.trySignIn(currentPassword, "192.0.2.8", browser, h.began.Add(30*24*time.Hour+time.Second)); err != nil {
			h.Error(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-overdue-browser", Value: browser})
		if got := h.people.BrowserToken(r); got != browser {
			h.Errorf("read %q from the cookie", got)
		}
	})
}

func TestReset_ClearsTheWrongPasswordsOfTheAccount(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		for range 11 {
			if err := h.trySignIn("wrong", "192.0.2.9", "", h.began); err == nil {
				h.Fatal("signed in with a wrong password")
			}
		}
		if open, err := h.reset(h.resetLink("ada@example.com", h.began), otherPassword, h.began); !open || err != nil {
			h.Fatal(open, err)
		}
		if err := h.trySignIn(otherPassword, "192.0.2.9", "", h.began); err != nil {
			h.Errorf("after the reset: %v", err)
		}
	})
}

func TestAllowReset_StrangersDoNotKeepAnybodyFromAskingForALink(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		for n := range 300 {
			if err := h.people.AllowReset("ada@example.com", fmt.Sprintf("10.0.%d.%d", n/200, n%200), h.began); err != nil {
				h.Fatalf("ask %d: %v", n, err)
			}
		}
	})
}

func TestSignIn_ABoundedNumberWaitsForTheHasherAndDoesNotCountAsAttempts(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		h.addOwner()
		free, err := h.people.FillHasher(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		waiting, leave := context.WithCancel(h.Context())
		full, done := h.people.Queued()+auth.MaxQueued, make(chan error)
		for n := range auth.MaxQueued {
			go func() {
				done <- h.people.SignIn(waiting, "ada@example.com", "wrong", auth.ClientInfo{Address: fmt.Sprintf("192.0.2.%d", n)}, h.began)
			}()
		}
		for h.people.Queued() < full {
			select {
			case err := <-done:
				h.Fatal(err)
			default:
			}
		}
		for range 20 { // more failures than one address may have
			if err := h.trySignIn(currentPassword, "198.51.100.1", "", h.began); !errors.Is(err, auth.ErrBusy) {
				h.Fatalf("%v; want it to be busy", err)
			}
		}
		leave()
		for range auth.MaxQueued {
			if err := <-done; !errors.Is(err, context.Canceled) {
				h.Errorf("who left while waiting: %v", err)
			}
		}
		free()
		if err := h.trySignIn(currentPassword, "198.51.100.1", "", h.began); err != nil {
			h.Errorf("afterwards: %v", err)
		}
	})
}
