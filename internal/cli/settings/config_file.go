package settings

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// readConfig reads a YAML file of settings: a mapping from the names of flags to
// values or lists of values. An unknown or repeated key is an error with its line.
func readConfig(path string, known []string) (map[string]fileValue, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	defer file.Close()
	var document yaml.Node
	if err := yaml.NewDecoder(file).Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration file %s: %w", path, err)
	}
	found := map[string]fileValue{}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return found, nil // an empty file, or nothing but comments
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: must be a mapping such as \"listen: :8080\"", path, root.Line)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if err := addKey(found, key, value, known); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, key.Line, err)
		}
	}
	return found, nil
}

// addKey adds the value of one key to found.
func addKey(found map[string]fileValue, key, value *yaml.Node, known []string) error {
	if !slices.Contains(known, key.Value) {
		return fmt.Errorf("key %s: unknown%s", key.Value, didYouMean(key.Value, known))
	}
	if _, twice := found[key.Value]; twice {
		return fmt.Errorf("key %s: set twice", key.Value)
	}
	text, err := scalarText(value)
	if err != nil {
		return fmt.Errorf("key %s: %w", key.Value, err)
	}
	if !isNull(value) {
		found[key.Value] = fileValue{value: text, line: key.Line}
	}
	return nil
}

// scalarText returns a value as it was written, so that it means the same as on the
// command line. A list becomes values with commas between them, as flags accept it.
func scalarText(value *yaml.Node) (string, error) {
	switch value.Kind {
	case yaml.ScalarNode:
		return value.Value, nil
	case yaml.AliasNode:
		return scalarText(value.Alias)
	case yaml.SequenceNode:
		parts := []string{}
		for _, item := range value.Content {
			if item.Kind != yaml.ScalarNode {
				return "", errors.New("must be a list of plain values")
			}
			parts = append(parts, strings.ReplaceAll(item.Value, ",", `\,`))
		}
		return strings.Join(parts, ","), nil
	default:
		return "", errors.New("must be a value or a list of values")
	}
}

// isNull reports whether a key has no value, as in "listen:". It then keeps its default.
func isNull(value *yaml.Node) bool { return value.Tag == "!!null" }

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
