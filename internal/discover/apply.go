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

// backupInfix is part of the name of every backup.
const backupInfix = ".overdue-backup-"

// timestamp returns the time of a backup, in UTC.
func (m Machine) timestamp() string { return m.Now.UTC().Format("20060102T150405Z") }

// Apply writes an edit and returns the path of the backup, or "" for a new file. It never
// overwrites content that differs from what was read.
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

// Reasons why an edit is not written. Each follows the name of the file.
var (
	errChanged         = errors.New("has changed since it was read: nothing was written; run the command again")
	errSymlink         = errors.New("is a symlink or not a regular file: nothing was written; edit the target by hand")
	errExists          = errors.New("already exists: nothing was written; add the lines by hand")
	errReadOnly        = errors.New("is read-only: nothing was written; make it writable or edit it by hand")
	errHardLinks       = errors.New("has other hard links, and some cron daemons ignore such files: nothing was written; edit it by hand")
	errOutsideImage    = errors.New("leads out of the image through a symlink: nothing was written")
	errOthersCanWrite  = errors.New("other users can write there: nothing was written")
	errReadBackDiffers = errors.New("differs from what was written: restore it from the backup")
)

// checkInsideRoot rejects a path of an image if a symlink in its directories leads out of the
// image: an image can come from another person, and the files of this machine are outside.
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
				return errOutsideImage // it would be created at the target of the link
			}
			continue // missing directories are created below an existing one
		}
		if err == nil && real != root && !strings.HasPrefix(real, root+string(filepath.Separator)) {
			err = errOutsideImage
		}
		return err
	}
}

// createDropIn writes a new drop-in.
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

// replaceCrontab replaces a crontab file.
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
	// Check again, because writing a backup takes time. The remaining window also
	// exists in cron's own editor.
	if _, err := checkUnchanged(path, e.Before); err != nil {
		return backup, err
	}
	return backup, writeAtomically(path, e.After, keep, os.Rename)
}

// saveBackup writes a backup of a crontab into StateDir, which no cron daemon reads: some daemons
// run files of any name in /etc/cron.d.
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

// privateFile is for backups: crontabs can contain secrets.
var privateFile = fileAttributes{mode: 0o600, uid: -1, gid: -1}

// RestoreCommand returns the shell command that restores a backup.
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

// fileAttributes are the attributes of a file that its replacement keeps.
type fileAttributes struct {
	mode     fs.FileMode
	uid, gid int // -1: the current user
	xattrs   []xattr
}

// checkUnchanged rejects a file that differs from what was read. The mode also counts: a crontab
// that even its owner cannot write was made read-only on purpose, and root must respect that.
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
		return fileAttributes{}, errHardLinks // the new file would have one link, so daemons would read it
	case !bytes.Equal(now, before):
		return fileAttributes{}, errChanged
	}
	return keep, nil
}

// writeAtomically writes a complete file or none: into a temporary file in the same directory,
// whose name starts with a dot because every cron daemon ignores such names. It syncs the file and
// then calls put: os.Link fails if the path exists, os.Rename replaces it.
func writeAtomically(path string, text []byte, keep fileAttributes, put func(from, to string) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".overdue-*.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // already gone after a rename
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

// writeContent sets the owner, mode and content of a new file in this order, so that only users
// with permission can read the content.
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

// syncDir makes a new file name survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// ensurePrivateDir creates a directory that only the current user can write. Otherwise another user
// could replace the file that crontab(1) is about to read.
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

// installCrontab passes a crontab to crontab(1), which validates it, locks it and notifies cron.
// Then it reads the crontab back.
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
	defer os.Remove(next) // no longer needed
	if _, err := m.runCommand(ctx, "crontab", m.crontabArgs(e.user, next)...); err != nil {
		return backup, err
	}
	after, err := m.runCommand(ctx, "crontab", m.crontabArgs(e.user, "-l")...)
	if err == nil && !bytes.Equal(after, e.After) {
		err = errReadBackDiffers
	}
	return backup, err
}
