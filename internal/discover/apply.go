package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// backupMark is in the name of every copy.
const backupMark = ".overdue-backup-"

// stamp is when a copy was made, in UTC.
func (m Machine) stamp() string { return m.Now.UTC().Format("20060102T150405Z") }

// Apply writes an edit, and returns where the copy of what was there is; there is none
// for a new file. It refuses to write over anything that is not what was read.
func (m Machine) Apply(ctx context.Context, e Edit) (backup string, err error) {
	if err := m.inside(e.path); err != nil {
		return "", fmt.Errorf("%s: %w", e.Shown, err)
	}
	switch {
	case e.unit:
		err = m.create(e)
	case e.path == "":
		backup, err = m.install(ctx, e)
	default:
		backup, err = m.replace(e)
	}
	if err != nil {
		return backup, fmt.Errorf("%s: %w", e.Shown, err)
	}
	return backup, nil
}

// Refusals, each a sentence for whoever is at the keyboard.
var (
	errChanged  = errors.New("has changed since it was read: nothing written, run it again")
	errLink     = errors.New("is a symlink, or not a plain file: nothing written; edit what it points to yourself")
	errThere    = errors.New("exists already: nothing written; look at it and add the lines yourself")
	errReadOnly = errors.New("is read-only: nothing written")
	errLinked   = errors.New("has other hard links, and some cron daemons ignore such files: nothing written; edit it yourself")
	errOutside  = errors.New("leads out of the image through a symlink: nothing written")
	errPrepared = errors.New("others may write there: nothing written")
	errSame     = errors.New("reads differently after it was written: restore it from the copy")
)

// inside refuses a path of an image whose directories lead out of it: the image may be
// a stranger's, and this machine's own files lie outside.
func (m Machine) inside(path string) error {
	if m.live() || path == "" {
		return nil
	}
	root, err := filepath.EvalSymlinks(m.Root)
	if err != nil {
		return err
	}
	for dir := filepath.Dir(m.at(path)); ; dir = filepath.Dir(dir) {
		real, err := filepath.EvalSymlinks(dir)
		if errors.Is(err, fs.ErrNotExist) {
			if about, err := os.Lstat(dir); err == nil && about.Mode()&fs.ModeSymlink != 0 {
				return errOutside // it would be made where the link points
			}
			continue // what does not exist is made below what does
		}
		if err == nil && real != root && !strings.HasPrefix(real, root+string(filepath.Separator)) {
			err = errOutside
		}
		return err
	}
}

// create writes a drop-in where there is none.
func (m Machine) create(e Edit) error {
	path := m.at(e.path)
	if _, err := os.Lstat(path); err == nil {
		return errThere
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return publish(path, e.After, attributes{mode: 0o644, uid: -1, gid: -1}, os.Link)
}

// replace writes a crontab that is a file.
func (m Machine) replace(e Edit) (backup string, err error) {
	path := m.at(e.path)
	keep, err := unchanged(path, e.Before)
	if err != nil {
		return "", err
	}
	backup, err = m.keep(strings.Trim(e.path, "/"), e.Before)
	if err != nil {
		return "", err
	}
	// Looked at again, because making a copy takes its time. What is left is a moment
	// in which cron's own editor could not be seen either.
	if _, err := unchanged(path, e.Before); err != nil {
		return backup, err
	}
	return backup, publish(path, e.After, keep, os.Rename)
}

// keep writes a copy of a crontab into the State directory, which no cron daemon reads: in
// /etc/cron.d some daemons run files of any name.
func (m Machine) keep(name string, text []byte) (backup string, err error) {
	if err := ownDir(m.State); err != nil {
		return "", fmt.Errorf("copy: %w", err)
	}
	if !m.live() {
		name = m.Host + "-" + name
	}
	backup = filepath.Join(m.State, strings.ReplaceAll(name, "/", "-")+backupMark+m.stamp())
	if err := publish(backup, text, private, os.Link); err != nil {
		return "", fmt.Errorf("copy: %w", err)
	}
	return backup, nil
}

// private are the attributes of copies: crontabs may contain secrets.
var private = attributes{mode: 0o600, uid: -1, gid: -1}

// Restore is the command that puts a copy back.
func (m Machine) Restore(e Edit, backup string) string {
	if e.path == "" {
		return "crontab " + strings.Join(m.crontabArgs(e.user, word(backup)), " ")
	}
	return "cp " + word(backup) + " " + word(m.at(e.path))
}

var plainPath = regexp.MustCompile(`^[A-Za-z0-9._/+][A-Za-z0-9._/+-]*$`)

// word quotes a path for a shell, if necessary.
func word(path string) string {
	if plainPath.MatchString(path) {
		return path
	}
	return quote(path)
}

// attributes of a file that survive its replacement.
type attributes struct {
	mode     fs.FileMode
	uid, gid int // -1: whoever writes
	xattrs   []xattr
}

// unchanged refuses a file that is not what was read. The mode counts: a crontab that nobody may
// write, its owner included, was closed on purpose, and root is not to be the exception.
func unchanged(path string, before []byte) (attributes, error) {
	about, err := os.Lstat(path)
	if err != nil {
		return attributes{}, err
	}
	if !about.Mode().IsRegular() {
		return attributes{}, errLink
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return attributes{}, err
	}
	keep := attributes{mode: about.Mode().Perm()}
	keep.uid, keep.gid = ownerOf(about)
	if keep.xattrs, err = xattrsOf(path); err != nil {
		return attributes{}, err
	}
	switch {
	case about.Mode().Perm()&0o200 == 0:
		return attributes{}, errReadOnly
	case linksOf(about) > 1:
		return attributes{}, errLinked // the new file would have one link, and be read
	case !bytes.Equal(now, before):
		return attributes{}, errChanged
	}
	return keep, nil
}

// publish writes a whole file or none: into a temporary one next to it, whose name begins with a
// dot because every cron daemon ignores such names, synced, and then put in place. With os.Link that fails when the
// place is taken, with os.Rename it replaces what is there.
func publish(path string, text []byte, keep attributes, put func(from, to string) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".overdue-*.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already after a rename
	err = fill(file, text, keep)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = put(file.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// fill gives a new file its owner, mode and text, in this order: a text is never
// readable for longer than by those who may.
func fill(file *os.File, text []byte, keep attributes) error {
	if keep.uid >= 0 {
		if err := file.Chown(keep.uid, keep.gid); err != nil {
			return err
		}
	}
	if err := file.Chmod(keep.mode); err != nil {
		return err
	}
	if err := setXattrs(file, keep.xattrs); err != nil {
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// syncDir makes a new name survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// ownDir makes a directory that is ours alone. In one that somebody else may write, the
// file that crontab(1) is about to read could be exchanged.
func ownDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	about, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	uid, _ := ownerOf(about)
	if !about.IsDir() || about.Mode().Perm()&0o022 != 0 || uid >= 0 && uid != os.Geteuid() {
		return fmt.Errorf("%s: %w", dir, errPrepared)
	}
	return nil
}

// install hands a crontab to crontab(1), which checks it, locks and tells cron, and
// reads it back.
func (m Machine) install(ctx context.Context, e Edit) (backup string, err error) {
	now, err := m.run(ctx, "crontab", m.crontabArgs(e.user, "-l")...)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(now, e.Before) {
		return "", errChanged
	}
	backup, err = m.keep("crontab-"+filepath.Base(e.user), e.Before)
	if err != nil {
		return "", err
	}
	next := filepath.Join(m.State, "crontab-"+filepath.Base(e.user)+".new")
	if err := publish(next, e.After, private, os.Rename); err != nil {
		return backup, err
	}
	defer os.Remove(next) // of no use to anybody from here on
	if _, err := m.run(ctx, "crontab", m.crontabArgs(e.user, next)...); err != nil {
		return backup, err
	}
	after, err := m.run(ctx, "crontab", m.crontabArgs(e.user, "-l")...)
	if err == nil && !bytes.Equal(after, e.After) {
		err = errSame
	}
	return backup, err
}
