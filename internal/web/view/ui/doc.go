// Package ui contains the components that pages share: form controls, times and
// durations in words, status signs, code blocks, tables, the deadline bar. It
// does not depend on pages. Every conversion of a time or duration into text is here.
package ui
