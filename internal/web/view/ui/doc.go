// Package ui contains the components that pages share: form controls, times and
// durations in words, status signs, code blocks, tables, the deadline bar. It
// knows no page. Every conversion of a time or duration into text is here.
package ui
