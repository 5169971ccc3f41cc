package auth_test

import (
	"strings"
	"testing"

	"overdue/internal/auth"
	"overdue/internal/monitor"
)

func TestPasswordFault_RejectsCommonPasswordsAndAcceptsFourWords(t *testing.T) {
	for password, says := range map[string]string{
		"correct horse battery":           "",
		"another fine password":           "",
		"x7#Kq!mZ2pLw":                    "",
		"naïve Größe im Nebel":            "",
		"wrong horse, ada":                "", // one's own name next to words that are not
		strings.Repeat("four words ", 90): "",
		"password1234":                    "unrelated words",
		"123456789012":                    "unrelated words",
		"qwertyuiop12":                    "unrelated words",
		"Passw0rd1234!":                   "unrelated words",
		"aaaaaaaaaaaaaaa":                 "unrelated words",
		"abcabcabcabc":                    "unrelated words",
		"letmein123456":                   "unrelated words",
		"iloveyou1234":                    "unrelated words",
		"ada@example.com":                 "your email address",
		"ADA@EXAMPLE.COM1":                "your email address",
		"lovelace.ada.1815":               "your name",
		"Ada-Lovelace-Example":            "your name",
		"overdue-ada-2026":                "the name of this program",
		"OverdueOverdue":                  "unrelated words",
		"short":                           "at least 12 characters",
		"elf Zeichen":                     "at least 12 characters",
		strings.Repeat("x", 1001):         "at most 1000 bytes",
		"\xff\xfe\xfd\xff\xfe\xfd\xff\xfe\xfd\xff\xfe\xfd": "unrelated words",
	} {
		got := auth.PasswordFault(password, "Ada Lovelace", "ada@example.com")
		if (got == "") != (says == "") || !strings.Contains(got, says) {
			t.Errorf("%.40q: %q; want it to say %q", password, got, says)
		}
	}
}

// FuzzPasswordFault looks for passwords that make the rule panic.
func FuzzPasswordFault(f *testing.F) {
	f.Add("correct horse battery", "Ada", "ada@example.com")
	f.Add("p4ssw0rd 1999-12-31", "\\Q(?i", "a+b@example.com")
	f.Fuzz(func(_ *testing.T, password, name, email string) { auth.PasswordFault(password, name, email) })
}

func TestPeople_EveryChangeOfAPasswordChecksTheRule(t *testing.T) {
	onEachDatabase(t, func(h *fixture) {
		const weak = "password1234"
		_, err := h.people.AddOwner(h.Context(), "ada@example.com", weak, h.began)
		h.expectFault(err, monitor.Invalid, "password")
		token, _, err := h.people.CreateSetupLink(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		f := validSetup()
		f.Password = weak
		h.expectFault(h.people.SetUp(h.Context(), token, f, auth.ClientInfo{}, h.began), monitor.Invalid, "password")
		h.addOwner()
		_, err = h.changePassword(h.signIn("ada@example.com", false, h.began), currentPassword, weak)
		h.expectFault(err, monitor.Invalid, "new_password")
		_, err = h.reset(h.resetLink("ada@example.com", h.began), weak, h.began)
		h.expectFault(err, monitor.Invalid, "password")
		h.expectFault(h.people.AcceptInvitation(h.Context(), h.invite("bob@example.com", auth.Member), "Bob", weak, auth.ClientInfo{}, h.began), monitor.Invalid, "password")
	})
}
