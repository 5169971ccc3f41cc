package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"

	"overdue/internal/httpd"
)

// The largest form that is read, in bytes. Only a person who is signed in sends
// long ones.
const (
	maxFormSize          = 256 << 10
	maxAnonymousFormSize = 64 << 10
	// maxStashedForm is for the pages that carry a held form through a sign-in.
	maxStashedForm = 2 * MaxStashSize
)

// formType is the one encoding of forms. Multipart is never read: it is for
// files, and net/http would write them to disk.
const formType = "application/x-www-form-urlencoded"

// hasBody reports whether the request may bring a form.
func (v *request) hasBody() bool {
	return v.r.Method != http.MethodGet && v.r.Method != http.MethodHead
}

// checkFormHeader rejects a form by its header, before anything is done for it.
func (v *request) checkFormHeader() error {
	if !v.hasBody() {
		return nil
	}
	given := v.r.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); (err != nil || kind != formType) && (given != "" || v.r.ContentLength != 0) {
		return httpd.NewProblem(http.StatusUnsupportedMediaType, "Send the form as "+formType+".").With("Accept-Post", formType)
	}
	if v.r.ContentLength > maxFormSize {
		return formTooLarge(maxFormSize)
	}
	return nil
}

// readForm reads the form, once: from here on its fields are in PostForm. How
// long that may take is the server's limit for every request.
func (v *request) readForm(rt route) error {
	if !v.hasBody() {
		return nil
	}
	limit := max(rt.maxForm, maxAnonymousFormSize)
	if v.person.SignedIn() {
		limit = maxFormSize
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, limit)
	err := v.r.ParseForm()
	tooLarge, isTooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case err == nil:
		return nil
	case isTooLarge:
		return formTooLarge(min(limit, tooLarge.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return httpd.NewProblem(http.StatusRequestTimeout, "The form did not arrive in time. Check your connection, then send it again.")
	}
	return httpd.NewProblem(http.StatusBadRequest, "The form cannot be read: it is incomplete or not encoded as "+formType+". Send it again.")
}

// formTooLarge is the answer to a form above a limit.
func formTooLarge(limit int64) error {
	return httpd.NewProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The form is larger than %d kB, the maximum. Shorten it, then send it again.", limit>>10))
}
