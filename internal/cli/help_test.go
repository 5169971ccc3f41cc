package cli

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// eachCommand calls test with every visible command.
func eachCommand(t *testing.T, test func(*kong.Node)) {
	t.Helper()
	parser, err := newParser(Streams{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		test(leaf)
	}
}

func TestHelp_PlaceholdersAndChoicesAreWords(t *testing.T) {
	eachCommand(t, func(command *kong.Node) {
		for _, flag := range command.Flags {
			if strings.ContainsAny(flag.FormatPlaceHolder(), `"`) {
				t.Errorf("%s --%s=%s: set a placeholder", command.FullPath(), flag.Name, flag.FormatPlaceHolder())
			}
			if flag.Enum != "" && strings.Contains(flag.Enum, ",") && strings.Contains(flag.Help, flag.Enum) {
				t.Errorf("%s --%s: %s; write the choices as in a sentence", command.FullPath(), flag.Name, flag.Help)
			}
		}
	})
}

func TestHelp_DetailDoesNotRepeatTheSummary(t *testing.T) {
	eachCommand(t, func(command *kong.Node) {
		words := strings.Fields(command.Detail)
		if len(words) < 4 || words[0] == "Examples:" {
			return
		}
		first := strings.Trim(strings.Join(words[:4], " "), ".,:")
		if strings.Contains(strings.ToLower(command.Help), strings.ToLower(first)) {
			t.Errorf("%s: %q is in the summary %q already", command.FullPath(), first, command.Help)
		}
	})
}

func TestComplete_NamesCommandsAfterHelpAndMan(t *testing.T) {
	for _, command := range []string{"help", "man"} {
		if got := runOverdue(backend{}, "__complete", "--", command, "channels", "e"); got != (commandResult{0, "edit\tChange the settings of a channel.\n", ""}) {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

func TestComplete_UnsetOffersTheSettingsOfTheCommand(t *testing.T) {
	for command, want := range map[string]string{"heartbeats": "grace\n", "channels": "remind-every\n"} {
		got := runOverdue(backend{}, "__complete", "--", command, "edit", "x", "--unset", "")
		if other := map[string]string{"heartbeats": "remind", "channels": "grace"}[command]; !strings.Contains(got.out, want) || strings.Contains(got.out, other) {
			t.Errorf("%s: %+v", command, got)
		}
	}
}
