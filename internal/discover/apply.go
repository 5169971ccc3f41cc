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

// backupInfix is in the name of every copy.
const backupInfix = ".overdue-backup-"

// timestamp is when a copy was made, in UTC.
func (m Machine) timestamp() string { return m.Now.UTC().Format("20060102T150405Z") }

// Apply writes an edit, and returns where the copy of what was there is; there is none
// for a new file. It refuses to write over anything that is not what was read.
func (m Machine) Apply(ctx context.Context, e Edit) (backup string, err error) {
	if err := m.checkInsideRoot(e.path); err != nil {
		return "", fmt.Errorf("%s: %w", e.Location, err)
	}
	switch {
	case e.isDropIn:
		err = m.createDropIn(e)
	case e.path == "":
		backup, err = m.installCrontab(ctx, e)
	default:
		backup, err = m.replaceCrontab(e)
	}
	if err != nil {
		return backup, fmt.Errorf("%s: %w", e.Location, err)
	}
	return backup, nil
}

// Refusals, each a sentence for whoever is at the keyboard.
var (
	errChanged         = errors.New("has changed since it was read: nothing written, run it again")
	errSymlink         = errors.New("is a symlink, or not a plain file: nothing written; edit what it points to yourself")
	errExists          = errors.New("exists already: nothing written; look at it and add the lines yourself")
	errReadOnly        = errors.New("is read-only: nothing written")
	errHardLinks       = errors.New("has other hard links, and some cron daemons ignore such files: nothing written; edit it yourself")
	errOutsideImage    = errors.New("leads out of the image through a symlink: nothing written")
	errOthersCanWrite  = errors.New("others may write there: nothing written")
	errReadBackDiffers = errors.New("reads differently after it was written: restore it from the copy")
)

// checkInsideRoot refuses a path of an image whose directories lead out of it: the image may be
// a stranger's, and this machine's own files lie outside.
func (m Machine) checkInsideRoot(path string) error {
	if m.isLive() || path == "" {
		return nil
	}
	root, err := filepath.EvalSymlinks(m.Root)
	if err != nil {
		return err
	}
	for dir := filepath.Dir(m.writePath(path)); ; dir = filepath.Dir(dir) {
		real, err := filepath.EvalSymlinks(dir)
		if errors.Is(err, fs.ErrNotExist) {
			if about, err := os.Lstat(dir); err == nil && about.Mode()&fs.ModeSymlink != 0 {
				return errOutsideImage // it would be made where the link points
			}
			continue // what does not exist is made below what does
		}
		if err == nil && real != root && !strings.HasPrefix(real, root+string(filepath.Separator)) {
			err = errOutsideImage
		}
		return err
	}
}

// createDropIn writes a drop-in where there is none.
func (m Machine) createDropIn(e Edit) error {
	path := m.writePath(e.path)
	if _, err := os.Lstat(path); err == nil {
		return errExists
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeAtomically(path, e.After, fileAttributes{mode: 0o644, uid: -1, gid: -1}, os.Link)
}

// replaceCrontab writes a crontab that is a file.
func (m Machine) replaceCrontab(e Edit) (backup string, err error) {
	path := m.writePath(e.path)
	keep, err := checkUnchanged(path, e.Before)
	if err != nil {
		return "", err
	}
	backup, err = m.saveBackup(strings.Trim(e.path, "/"), e.Before)
	if err != nil {
		return "", err
	}
	// Looked at again, because making a copy takes its time. What is left is a moment
	// in which cron's own editor could not be seen either.
	if _, err := checkUnchanged(path, e.Before); err != nil {
		return backup, err
	}
	return backup, writeAtomically(path, e.After, keep, os.Rename)
}

// saveBackup writes a copy of a crontab into the State directory, which no cron daemon reads: in
// /etc/cron.d some daemons run files of any name.
func (m Machine) saveBackup(name string, text []byte) (backup string, err error) {
	if err := ensurePrivateDir(m.StateDir); err != nil {
		return "", fmt.Errorf("copy: %w", err)
	}
	if !m.isLive() {
		name = m.Host + "-" + name
	}
	backup = filepath.Join(m.StateDir, strings.ReplaceAll(name, "/", "-")+backupInfix+m.timestamp())
	if err := writeAtomically(backup, text, privateFile, os.Link); err != nil {
		return "", fmt.Errorf("copy: %w", err)
	}
	return backup, nil
}

// privateFile are the attributes of copies: crontabs may contain secrets.
var privateFile = fileAttributes{mode: 0o600, uid: -1, gid: -1}

// RestoreCommand is the command that puts a copy back.
func (m Machine) RestoreCommand(e Edit, backup string) string {
	if e.path == "" {
		return "crontab " + strings.Join(m.crontabArgs(e.user, quotePath(backup)), " ")
	}
	return "cp " + quotePath(backup) + " " + quotePath(m.writePath(e.path))
}

var plainPathPattern = regexp.MustCompile(`^[A-Za-z0-9._/+][A-Za-z0-9._/+-]*$`)

// quotePath quotes a path for a shell, if necessary.
func quotePath(path string) string {
	if plainPathPattern.MatchString(path) {
		return path
	}
	return shellQuote(path)
}

// fileAttributes of a file that survive its replacement.
type fileAttributes struct {
	mode     fs.FileMode
	uid, gid int // -1: whoever writes
	xattrs   []xattr
}

// checkUnchanged refuses a file that is not what was read. The mode counts: a crontab that nobody may
// write, its owner included, was closed on purpose, and root is not to be the exception.
func checkUnchanged(path string, before []byte) (fileAttributes, error) {
	about, err := os.Lstat(path)
	if err != nil {
		return fileAttributes{}, err
	}
	if !about.Mode().IsRegular() {
		return fileAttributes{}, errSymlink
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return fileAttributes{}, err
	}
	keep := fileAttributes{mode: about.Mode().Perm()}
	keep.uid, keep.gid = fileOwner(about)
	if keep.xattrs, err = readXattrs(path); err != nil {
		return fileAttributes{}, err
	}
	switch {
	case about.Mode().Perm()&0o200 == 0:
		return fileAttributes{}, errReadOnly
	case hardLinkCount(about) > 1:
		return fileAttributes{}, errHardLinks // the new file would have one link, and be read
	case !bytes.Equal(now, before):
		return fileAttributes{}, errChanged
	}
	return keep, nil
}

// writeAtomically writes a whole file or none: into a temporary one next to it, whose name begins with a
// dot because every cron daemon ignores such names, synced, and then put in place. With os.Link that fails when the
// place is taken, with os.Rename it replaces what is there.
func writeAtomically(path string, text []byte, keep fileAttributes, put func(from, to string) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".overdue-*.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already after a rename
	err = writeContent(file, text, keep)
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

// writeContent gives a new file its owner, mode and text, in this order: a text is never
// readable for longer than by those who may.
func writeContent(file *os.File, text []byte, keep fileAttributes) error {
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

// ensurePrivateDir makes a directory that is ours alone. In one that somebody else may write, the
// file that crontab(1) is about to read could be exchanged.
func ensurePrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	about, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	uid, _ := fileOwner(about)
	if !about.IsDir() || about.Mode().Perm()&0o022 != 0 || uid >= 0 && uid != os.Geteuid() {
		return fmt.Errorf("%s: %w", dir, errOthersCanWrite)
	}
	return nil
}

// installCrontab hands a crontab to crontab(1), which checks it, locks and tells cron, and
// reads it back.
func (m Machine) installCrontab(ctx context.Context, e Edit) (backup string, err error) {
	now, err := m.runCommand(ctx, "crontab", m.crontabArgs(e.user, "-l")...)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(now, e.Before) {
		return "", errChanged
	}
	backup, err = m.saveBackup("crontab-"+filepath.Base(e.user), e.Before)
	if err != nil {
		return "", err
	}
	next := filepath.Join(m.StateDir, "crontab-"+filepath.Base(e.user)+".new")
	if err := writeAtomically(next, e.After, privateFile, os.Rename); err != nil {
		return backup, err
	}
	defer os.Remove(next) // of no use to anybody from here on
	if _, err := m.runCommand(ctx, "crontab", m.crontabArgs(e.user, next)...); err != nil {
		return backup, err
	}
	after, err := m.runCommand(ctx, "crontab", m.crontabArgs(e.user, "-l")...)
	if err == nil && !bytes.Equal(after, e.After) {
		err = errReadBackDiffers
	}
	return backup, err
}
