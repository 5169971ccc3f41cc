package setting

import (
	"fmt"
	"regexp"
)

// labelName matches the names of labels that every version of Prometheus accepts.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// LabelName checks the name of a Prometheus label. Names that begin with two underscores
// are reserved.
func LabelName(name string) (normal, problem string) {
	if !labelName.MatchString(name) || len(name) > 1 && name[:2] == "__" {
		return "", fmt.Sprintf("%q is not the name of a label: use letters, digits and underscores, with no digit first and at most one underscore first.", name)
	}
	return name, ""
}
