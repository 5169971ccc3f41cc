// Package manual holds the text of the manual, one file per page. The program
// serves it at /docs; the files read well by themselves too.
//
// It refuses to know how a page looks or in which order the pages stand: that
// is package web. What the files may hold:
//
//   - one title, then one paragraph of plain text that says what the page is for;
//   - sections, lists, tables and paragraphs, but no HTML;
//   - a quotation that begins with bold words, which becomes a note;
//   - links to other pages by their file, such as statuses.md#late, and links
//     such as status:late, which become the sign of a status;
//   - code with a language and a name behind it. In code,
//     https://overdue.example.org stands for the reader's own installation, and
//     the ping URL with YOUR-ID for the reader's own, and before the first of
//     these the page says whose it is; https://overdue.example.com stays as it is;
//   - pieces that the program draws itself: overdue-snippets, overdue-deadline,
//     overdue-statuses; and overdue-next, what to read next.
package manual

import (
	"embed"
	"io/fs"
)

//go:embed *.md
var files embed.FS

// Files are the pages, named after their address: first-heartbeat.md.
func Files() fs.FS { return files }
