// Package manual contains the text of the manual, one file per page. The program
// serves it at /docs. The files are readable without it.
//
// Package web decides the layout and the order of the pages. A file contains:
//
//   - one title, then one paragraph of plain text that describes the page;
//   - sections, lists, tables and paragraphs, but no HTML;
//   - a quotation that begins with bold words, which becomes a note;
//   - links to other pages by their file, such as statuses.md#late, and links
//     such as status:late, which become the badge of a status;
//   - code with a language and a name after it. In code, the program replaces
//     https://overdue.example.org with its own address, and the ping URL with
//     YOUR-ID with the ping URL of the reader. The page names the heartbeat
//     before the first of these. https://overdue.example.com is not replaced;
//   - parts that the program renders: overdue-snippets, overdue-deadline,
//     overdue-statuses, and overdue-next, the links to further pages.
package manual

import (
	"embed"
	"io/fs"
)

//go:embed *.md
var files embed.FS

// Files returns the pages. The name of a file is its path below /docs, such as
// first-heartbeat.md.
func Files() fs.FS { return files }
