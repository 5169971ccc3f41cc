package forms

import (
	"maps"
	"slices"
	"strings"

	"overdue/internal/notify/setting"
)

// SettingText returns the text of a setting in the form. The text of a secret is
// empty.
func SettingText(f setting.Field, value any) string {
	switch value := value.(type) {
	case string:
		if f.Secret {
			return ""
		}
		return value
	case []any:
		var lines []string
		for _, item := range value {
			text, _ := item.(string) // lists hold only strings
			lines = append(lines, text)
		}
		return strings.Join(lines, "\n")
	case map[string]any:
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			text, _ := value[name].(string)
			lines = append(lines, strings.TrimSpace(name+": "+text))
		}
		return strings.Join(lines, "\n")
	}
	return ""
}

// ParseSetting parses a setting of the form. It returns false for a secret that
// stays empty, which keeps the saved one.
func ParseSetting(f setting.Field, text string) (value any, given bool) {
	switch f.Type {
	case setting.FieldList:
		list := []any{}
		for _, item := range strings.FieldsFunc(text, func(r rune) bool {
			return r == '\n' || r == '\r' || !f.Repeats && (r == ',' || r == ';') // an argument can contain them
		}) {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list, true
	case setting.FieldHeaders, setting.FieldLabels:
		pairs := map[string]any{}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(line, ":")
			if name = strings.TrimSpace(name); name != "" {
				pairs[name] = strings.TrimSpace(value)
			}
		}
		return pairs, true
	case setting.FieldText, setting.FieldURL, setting.FieldSecret, setting.FieldTemplate:
	}
	if f.Secret && text == "" {
		return nil, false
	}
	return text, true
}

// SubmittedSecret returns the secret of one field, or nil. A mask, or an empty
// field, stands for the secret that was typed before.
func SubmittedSecret(f setting.Field, value any, given bool, before any) any {
	pairs, many := value.(map[string]any)
	switch {
	case many && f.Secret:
		old, _ := before.(map[string]any)
		all := map[string]any{}
		for name, text := range pairs {
			if text != setting.Masked {
				all[name] = text
			} else if kept, found := old[name]; found {
				all[name] = kept
			}
		}
		if len(all) == 0 {
			return nil
		}
		return all
	case !f.Secret:
		return nil
	case given && value != "":
		return value
	}
	return before
}

// RestoreSecrets replaces masks in the settings with the secrets of the form.
func RestoreSecrets(settings, secrets map[string]any) {
	for name, secret := range secrets {
		kept, many := secret.(map[string]any)
		pairs, there := settings[name].(map[string]any)
		if !many || !there {
			settings[name] = secret
			continue
		}
		for header, text := range kept {
			if pairs[header] == setting.Masked {
				pairs[header] = text
			}
		}
	}
}
