package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"

	"overdue/internal/monitor"
)

// log is where sign-ins are logged.
func (p *People) log() *slog.Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

// loggedHashLength is how much of an address's hash is logged: enough to see that
// several tries were for one address.
const loggedHashLength = 12

// logSignIn writes how a sign-in went: with the id of the account, or a hash of
// the address that has none. People mistake the field for that of the password,
// so the address is never logged.
func (p *People) logSignIn(ctx context.Context, v verified, email string, e ClientInfo, err error) {
	account := slog.String("person", v.person.ID)
	if v.person.ID == "" {
		sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(email))))
		account = slog.String("email_sha256", hex.EncodeToString(sum[:])[:loggedHashLength])
	}
	log := p.log().With("component", "auth", account, "client", e.Address)
	switch fault, theirs := errors.AsType[*monitor.Fault](err); {
	case err == nil:
		log.InfoContext(ctx, "signed in")
	case theirs && fault.Kind == monitor.RateLimited:
		log.WarnContext(ctx, "sign-in throttled")
	case theirs: // people mistype
		log.InfoContext(ctx, "sign-in rejected")
	default:
		log.WarnContext(ctx, "sign-in failed", "error", err)
	}
}
