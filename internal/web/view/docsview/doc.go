// Package docsview renders the manual: its pages, search, API reference, and the
// parts of pages that are generated, so that they always match the application.
package docsview
