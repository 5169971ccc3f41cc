package notify

import (
	"strings"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"

	"pgregory.net/rapid"
)

func TestRedactor_HidesEverySecretInAResponse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringMatching(`[a-z]{8,12}`), 1, 4).Draw(t, "secrets")
		noise := rapid.StringMatching(`[ A-Z0-9\x00\n]{0,40}`)
		var raw strings.Builder
		for range rapid.IntRange(0, 60).Draw(t, "pieces") {
			raw.WriteString(noise.Draw(t, "noise") + rapid.SampledFrom(secrets).Draw(t, "secret"))
		}
		text := raw.String()
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		got := newRedactor(secrets...).cleanResponse(text[:cut], cut < len(text))
		// The noise has no small letters, so any that are left are a secret's.
		if strings.ContainsAny(got, "abcdefghijklmnopqrstuvwxyz") {
			t.Fatalf("%q is left of %q", got, text[:cut])
		}
		if n := len([]rune(got)); n > message.MaxDetail {
			t.Fatalf("%d characters are kept", n)
		}
	})
}

func TestRedactor_HidesWholeSecretsInEveryEncoding(t *testing.T) {
	hide := newRedactor("token", "token-and-more", "pass  phrase here", "a/b c&d")
	for _, echo := range []string{
		"token-and-more", "pass  phrase here", "pass\r\n phrase\x00here", `a\/b c&d`, "a%2Fb+c%26d", "a%2Fb%20c&d", "dG9rZW4=",
	} {
		if got := hide.cleanResponse(echo, false); got != setting.Masked {
			t.Errorf("%q became %q; want dots", echo, got)
		}
	}
}

func TestRedactor_DoesNotHideShortStrings(t *testing.T) {
	if got := newRedactor("a", "", "no").cleanResponse("a no of a bank", false); got != "a no of a bank" {
		t.Errorf("answer became %q", got)
	}
}
