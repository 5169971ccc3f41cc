package main

import (
	"io"
	"strings"
	"testing"
)

func TestParseOptions_ChecksTheCommandLine(t *testing.T) {
	for args, good := range map[string]bool{
		"":                              true,
		"-only alerts,lists -seconds 1": true,
		"-postgres -json x -seconds 60": true,
		"-add -json x":                  true,
		"-add":                          false,
		"-only alerts,nothing":          false,
		"-seconds 0":                    false,
		"-seconds 61":                   false,
		"pings":                         false,
		"-nonsense":                     false,
	} {
		if _, err := parseOptions(strings.Fields(args), io.Discard); (err == nil) != good {
			t.Errorf("%q: %v; want good: %v", args, err, good)
		}
	}
}
