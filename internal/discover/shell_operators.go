package discover

import "strings"

// shellOperator is an operator of the shell outside of quotes and brackets.
type shellOperator struct {
	text   string // one of && || ; | & or a newline
	offset int
}

// findOperators finds the operators of a command outside of quotes, brackets and braces. It returns
// false if quotes or brackets are not closed.
func findOperators(command string) (found []shellOperator, balanced bool) {
	depth := 0
	for i := 0; i < len(command); i++ {
		switch c := command[i]; c {
		case '\\':
			i++
		case '\'', '"', '`':
			end := closingQuote(command, i)
			if end < 0 {
				return found, false
			}
			i = end
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case '#':
			if i == 0 || strings.IndexByte(" \t;&|(", command[i-1]) >= 0 {
				return found, depth == 0
			}
		case ';', '\n', '&', '|':
			text := string(c)
			if i+1 < len(command) && command[i+1] == c && c != '\n' {
				text += text
			}
			redirects := c == '&' && text == "&" && (i > 0 && command[i-1] == '>' || i+1 < len(command) && command[i+1] == '>')
			if depth == 0 && !redirects {
				found = append(found, shellOperator{text, i})
			}
			i += len(text) - 1
		}
	}
	return found, depth == 0
}

// closingQuote returns the index at which the quote at the given index ends, or -1.
func closingQuote(command string, at int) int {
	for i := at + 1; i < len(command); i++ {
		switch {
		case command[i] == '\\' && command[at] != '\'':
			i++
		case command[i] == command[at]:
			return i
		}
	}
	return -1
}

// splitFirstCommand splits a command at its first operator. rest starts with the next command.
func splitFirstCommand(command string) (first, operator, rest string) {
	found, balanced := findOperators(command)
	if len(found) == 0 || !balanced {
		return strings.TrimSpace(command), "", ""
	}
	op := found[0]
	rest = command[op.offset+len(op.text):]
	return strings.TrimSpace(command[:op.offset]), op.text, strings.TrimLeft(rest, " \t")
}

// isAndChain reports whether a command is one chain of && and pipes, so that it can follow && as a
// whole.
func isAndChain(command string) bool { return joinedBy(command, "&&", "|") }

// isPipeline reports whether a command is one pipeline, so that it can follow || as a whole.
func isPipeline(command string) bool { return joinedBy(command, "|") }

func joinedBy(command string, allowed ...string) bool {
	if first, _, _ := strings.Cut(command, " "); first == "if" || first == "case" {
		return true // splitGuard rejects it as a whole
	}
	found, balanced := findOperators(strings.TrimRight(command, " \t;"))
	for _, op := range found {
		ok := false
		for _, text := range allowed {
			ok = ok || op.text == text
		}
		balanced = balanced && ok
	}
	return balanced && strings.TrimSpace(command) != ""
}
