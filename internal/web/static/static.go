// Package static contains the files that every page loads: the stylesheet, the
// script, the icons, the favicons and the web manifest.
//
// It is the only place that knows the served names of these files. A name contains
// a hash of the content: browsers cache the file indefinitely, and an upgrade takes
// effect immediately. A request with an old hash gets 404, never newer content.
//
// Invariants: the files are part of the binary; nothing changes after the start;
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

// Names of the files, for [Path].
const (
	Style   = "style.css"
	Script  = "app.js"
	Icons   = "icons.svg"
	Favicon = "favicon.svg"

	TouchIcon = "touch-icon.png"
	Manifest  = "manifest.webmanifest"
)

// hashDigits is the length of the hash in a name. It only has to distinguish
// versions; it protects nothing.
const hashDigits = 10

//go:embed assets
var assets embed.FS

// files is read once at the start and never changes.
var files = mustLoadFiles(assets)

// file is one asset.
type file struct {
	servedName string // style.3f2a….css
	content    []byte
}

// fileIndex finds a file by its source name and by its served name.
type fileIndex struct {
	bySource     map[string]file
	byServedName map[string]file
}

// Path returns the path of a file, for example "/static/style.3f2a91c07d.css" for
// "style.css". For an unknown name it returns a path without a hash, and [Handler]
// answers 404: a missing icon must not break the whole page.
func Path(name string) string {
	if f, ok := files.bySource[name]; ok {
		return Prefix + f.servedName
	}
	return Prefix + name
}

// mustLoadFiles panics only if the binary was built without its files.
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
		s.add(e.Name(), content)
	}
	s.addDownFavicons()
	s.addManifest()
	return s, nil
}

// add adds a file.
func (s fileIndex) add(name string, content []byte) {
	f := file{servedName: hashedName(name, content), content: content}
	s.bySource[name] = f
	s.byServedName[f.servedName] = f
}

// hashedName inserts the hash before the extension, which determines the media type.
func hashedName(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:])[:hashDigits] + ext
}
