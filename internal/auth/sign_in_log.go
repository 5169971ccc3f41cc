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

// log returns the log for sign-ins.
func (p *People) log() *slog.Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

// loggedHashLength is the number of characters of the hash of an address that are logged:
// enough to recognize repeated attempts for one address.
const loggedHashLength = 12

// logSignIn logs the result of a sign-in with the id of the account, or with a
// hash of the address if there is no account. The address is never logged,
// because people sometimes type their password into its field.
func (p *People) logSignIn(ctx context.Context, v verifiedPerson, email string, e ClientInfo, err error) {
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
	case theirs: // usually a typing error
		log.InfoContext(ctx, "sign-in rejected")
	default:
		log.WarnContext(ctx, "sign-in failed", "error", err)
	}
}
