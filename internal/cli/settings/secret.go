package settings

import "log/slog"

// Secret is text that must not be printed. Convert it with string() where it is used.
type Secret string

const masked = "••••"

// String masks the secret from fmt.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString masks the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue masks the secret from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
