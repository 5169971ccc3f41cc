// Package docsite builds the manual that the program carries: it parses the
// Markdown pages, fills in the reader's own addresses, draws the API reference from
// the OpenAPI document, and searches both.
//
//	docs/manual/*.md ─▶ Load ──────────▶ Manual, Page ─▶ Body(Reader) ─▶ HTML
//	openapi.json     ─▶ ParseOpenAPI ──▶ Groups ─▶ the API reference
//	                         └─▶ Section ─▶ Search
//
// It does not handle requests; package web serves the pages that it returns. Load fails if a page is
// missing from the navigation, if a link leads nowhere, or if a page holds HTML.
package docsite
