package view

import "strings"

// ErrorPage says what went wrong and what to do next. It stands alone: it
// must be drawn also when nobody is signed in and nothing can be read.
type ErrorPage struct {
	SignedOutShell
	Status    int    // 403, 404, 500, 503 …
	Detail    string // a sentence for this case, in place of the general one
	RequestID string // to find it in the log; only for faults of ours
	SignedIn  bool
}

// errorText is the general wording of an error.
type errorText struct{ title, text, next string }

// errorTexts say what happened, and then what to do.
var errorTexts = map[int]errorText{
	400: {"That request cannot be read", "Something in it is not as it should be.", "Go back, and try again from the page."},
	403: {"You may not do this", "Your role in this project does not allow it.", "Ask an owner or an admin of the project."},
	404: {"Nothing is here", "The page does not exist, or what it showed was deleted.", "Look for it in the list of heartbeats."},
	405: {"That is not possible here", "The page does not take this kind of request.", "Go back, and try again from the page."},
	408: {"The form did not arrive", "The connection was too slow, or it was interrupted.", "Check your connection, then send the form again."},
	409: {"Changed in the meantime", "Another person changed this while your page was open.", "Open it again, then repeat the changes that are still needed."},
	413: {"The form is too large", "It has more text than the server accepts.", "Shorten it, then send it again."},
	415: {"The form cannot be read", "Its encoding is not supported.", "Open the page in a browser and send the form from there."},
	429: {"Too many tries", "To keep passwords safe, sign-in rests for a while.", "Wait 15 minutes, then try again."},
	500: {"Something went wrong on our side", "It was written to the log. Pings and alerts do not depend on this page.", "Try again; if it stays, give the operator the number below."},
	503: {"Overdue cannot answer right now", "The database is not available, or the server is stopping. Jobs that ping are asked to try again.", "Try again in a minute."},
}

// errorText never fails: an unknown status is told like a fault of ours.
func (p ErrorPage) errorText() errorText {
	known, ok := errorTexts[p.Status]
	if !ok {
		known = errorTexts[500]
	}
	if p.Detail != "" {
		known.text = p.Detail
	}
	return known
}

// lede says what happened, and what to do. A fault in two sentences says both,
// and nobody who is not signed in can look into a list.
func (p ErrorPage) lede() string {
	known := p.errorText()
	if strings.Contains(p.Detail, ". ") || p.Status == 404 && !p.SignedIn {
		return known.text
	}
	return known.text + " " + known.next
}
