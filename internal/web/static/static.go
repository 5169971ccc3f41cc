// Package static holds the files that every page loads: the stylesheet, the
// script, the sprite of icons and the favicon.
//
// It is the only place that knows what these files are called on the wire. A
// name carries a hash of the content, so that a browser may keep a file for
// ever and an upgrade is seen at once. The package refuses to serve a file
// under any other name: a stale hash is 404, never the newer content.
//
// Invariants: the files are part of the binary; nothing changes after start;
// the same content has the same name on every node.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Prefix is the path under which [Handler] must be mounted.
const Prefix = "/static/"

// The files, by the names that [Path] takes.
const (
	Style   = "style.css"
	Script  = "app.js"
	Icons   = "icons.svg"
	Favicon = "favicon.svg"
)

// hashDigits is enough to tell versions apart; the hash protects nothing.
const hashDigits = 10

//go:embed assets
var assets embed.FS

// files is read once at start; afterwards it is only looked at.
var files = mustLoadFiles(assets)

// file is one asset, ready to send.
type file struct {
	servedName string // as on the wire: style.3f2a….css
	content    []byte
}

// fileIndex finds a file by the name in the source and by the name on the wire.
type fileIndex struct {
	bySource     map[string]file
	byServedName map[string]file
}

// Path returns the path from which the named file is loaded, for example
// "/static/style.3f2a91c07d.css" for "style.css". An unknown name is returned
// without a hash, which [Handler] answers with 404: a missing picture is seen
// in review and does not take the page down with it.
func Path(name string) string {
	if f, ok := files.bySource[name]; ok {
		return Prefix + f.servedName
	}
	return Prefix + name
}

// mustLoadFiles panics only when the binary was built without its files, which
// no run of it can mend.
func mustLoadFiles(from fs.FS) fileIndex {
	s, err := loadFiles(from)
	if err != nil {
		panic(err)
	}
	return s
}

func loadFiles(from fs.FS) (fileIndex, error) {
	s := fileIndex{bySource: map[string]file{}, byServedName: map[string]file{}}
	entries, err := fs.ReadDir(from, "assets")
	if err != nil {
		return fileIndex{}, fmt.Errorf("static files: %w", err)
	}
	for _, e := range entries {
		content, err := fs.ReadFile(from, path.Join("assets", e.Name()))
		if err != nil {
			return fileIndex{}, fmt.Errorf("static file %s: %w", e.Name(), err)
		}
		f := file{servedName: hashedName(e.Name(), content), content: content}
		s.bySource[e.Name()] = f
		s.byServedName[f.servedName] = f
	}
	return s, nil
}

// hashedName puts the hash before the extension, from which the media type is
// derived.
func hashedName(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:])[:hashDigits] + ext
}
