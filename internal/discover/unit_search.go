package discover

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"overdue/internal/discover/systemd"
)

// maxAliases limits the symlinks that are followed from one name to the next.
const maxAliases = 10

// loadUnit reads a unit and its drop-ins. It returns false if there is no file for it, or if it is
// masked.
func (m serviceManager) loadUnit(f *Result, name string) (*systemd.Unit, bool) {
	for range maxAliases {
		target, ok := m.aliasTarget(name)
		if !ok {
			break
		}
		name = target
	}
	u := systemd.NewUnit(name, m.isUser)
	for _, file := range unitFileNames(name) {
		for _, dir := range m.unitDirs {
			at := path.Join(dir, file)
			if m.isMask(at) {
				u.Masked = true
				return u, false
			}
			text, ok := m.readFileOrNote(f, at)
			if !ok {
				continue
			}
			u.Parse(string(text))
			u.Transient = path.Base(dir) == "transient"
			m.readDropIns(f, u, append([]string{name}, m.aliasesOf(name)...))
			return u, true
		}
	}
	return u, false
}

// isMask reports whether a path masks a unit or a drop-in: it is a symlink to /dev/null, or an
// empty file (systemd.unit(5)).
func (m serviceManager) isMask(at string) bool {
	if target, err := os.Readlink(m.linkPath(at)); err == nil && target == "/dev/null" {
		return true
	}
	info, err := os.Stat(m.readPath(at))
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// linkPath returns the path of a directory entry: it resolves the directory, but not a symlink in
// the last element.
func (m serviceManager) linkPath(at string) string {
	return filepath.Join(m.readPath(path.Dir(at)), path.Base(at))
}

// aliasTarget returns the name that a symlink in a unit directory points to. A symlink to a file of
// the same name, or from an instance to its template, is not an alias.
func (m serviceManager) aliasTarget(name string) (string, bool) {
	for _, dir := range m.unitDirs {
		target, err := os.Readlink(m.linkPath(path.Join(dir, name)))
		if err != nil {
			if _, err := os.Lstat(m.linkPath(path.Join(dir, name))); err == nil {
				return "", false // a regular file
			}
			continue
		}
		other := path.Base(target)
		if slices.Contains(unitFileNames(name), other) || path.Ext(other) != path.Ext(name) {
			return "", false
		}
		if _, instance, ok := strings.Cut(name, "@"); ok && strings.Contains(other, "@.") {
			before, _, _ := strings.Cut(other, "@")
			other = before + "@" + instance
		}
		return other, true
	}
	return "", false
}

// aliasesOf returns the names of symlinks in the unit directories that point to a unit: their
// drop-ins count too.
func (m serviceManager) aliasesOf(name string) []string {
	var all []string
	for _, dir := range m.unitDirs {
		entries, err := os.ReadDir(m.readPath(dir))
		if err != nil {
			continue // the directory does not exist
		}
		for _, entry := range entries {
			if entry.Type()&os.ModeSymlink == 0 || path.Ext(entry.Name()) != path.Ext(name) || entry.Name() == name {
				continue
			}
			if target, err := os.Readlink(m.linkPath(path.Join(dir, entry.Name()))); err == nil && path.Base(target) == name {
				all = append(all, entry.Name())
			}
		}
	}
	return all
}

// unitFileNames returns the possible file names of a unit: an instance can also use its template.
func unitFileNames(name string) []string {
	before, after, ok := strings.Cut(name, "@")
	if instance, kind, more := cutLast(after, "."); ok && more && instance != "" {
		return []string{name, before + "@." + kind}
	}
	return []string{name}
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// dropInDirNames returns the names before ".d" of the directories with drop-ins for a unit, the
// most specific one first: the unit, its template, and each prefix of the name that ends in a dash
// (systemd.unit(5)).
func dropInDirNames(name string) []string {
	all := unitFileNames(name)
	stem, kind, _ := cutLast(all[len(all)-1], ".")
	prefix, at := strings.CutSuffix(stem, "@")
	for {
		i := strings.LastIndexByte(strings.TrimSuffix(prefix, "-"), '-')
		if i < 0 {
			return all
		}
		prefix = prefix[:i+1]
		short := prefix
		if at {
			short += "@"
		}
		all = append(all, short+"."+kind)
	}
}

// readDropIns adds the drop-ins of a unit in the order of their names. Of files with the same name,
// the one in the first directory counts. The directories of the unit type, such as "timer.d", come
// last.
func (m serviceManager) readDropIns(f *Result, u *systemd.Unit, names []string) {
	var dirs []string
	for _, name := range names {
		for _, dir := range m.unitDirs {
			for _, before := range dropInDirNames(name) {
				dirs = append(dirs, path.Join(dir, before+".d"))
			}
		}
	}
	for _, dir := range m.unitDirs {
		dirs = append(dirs, path.Join(dir, strings.TrimPrefix(path.Ext(u.Name), ".")+".d"))
	}
	files := map[string]string{}
	for _, dir := range dirs {
		found, err := os.ReadDir(m.readPath(dir))
		if err != nil {
			continue // most units have none
		}
		for _, entry := range found {
			if _, hidden := files[entry.Name()]; !hidden && strings.HasSuffix(entry.Name(), ".conf") {
				files[entry.Name()] = path.Join(dir, entry.Name())
			}
		}
	}
	order := make([]string, 0, len(files))
	for name := range files {
		order = append(order, name)
	}
	slices.Sort(order)
	for _, name := range order {
		if m.isMask(files[name]) {
			continue
		}
		if text, ok := m.readFileOrNote(f, files[name]); ok {
			u.Parse(string(text))
		}
	}
}
