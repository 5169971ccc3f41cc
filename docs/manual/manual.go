// Package manual holds the text of the manual, one Markdown file per page. The
// program serves it at /docs; the files are readable without the program too.
//
// Package docsite defines the order and the look of the pages. A file contains:
//
//   - one title, then one paragraph of plain text that introduces the page;
//   - sections, lists, tables and paragraphs, but no HTML;
//   - blockquotes that begin with bold words, which become notes;
//   - links to other pages by file, such as statuses.md#late, and links such as
//     status:late, which become the sign of a status;
//   - code blocks with a language and a name. In code, https://overdue.example.org
//     is replaced with the address of the reader's installation, and the ping URL
//     with YOUR-ID with the reader's ping URL; the page names the heartbeat before
//     its first ping URL. https://overdue.example.com stays as it is;
//   - parts that the program renders: overdue-snippets, overdue-deadline,
//     overdue-statuses, and overdue-next for the pages to read next.
package manual

import (
	"embed"
	"io/fs"
)

//go:embed *.md
var files embed.FS

// Files returns the pages, named after their address: first-heartbeat.md.
func Files() fs.FS { return files }
