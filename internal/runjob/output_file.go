package runjob

import (
	"io"
	"os"

	"overdue/client"
)

// outputFile is a regular file that the child writes to directly. Its end is read
// afterwards, through a separate descriptor.
type outputFile struct {
	to          *os.File // shares its offset with the child
	from        *os.File
	startOffset int64 // where the child began to write
	appends     bool  // writes go to the end, wherever the offset is
}

// openOutputFile returns nil if the file is not regular or cannot be read.
func openOutputFile(to *os.File) *outputFile {
	info, err := to.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	from, appends := reopen(to)
	if from == nil {
		return nil
	}
	l := &outputFile{to: to, from: from, appends: appends}
	l.startOffset = l.offset()
	return l
}

// offset returns the position of the next byte that the child writes, or 0 if it is
// unknown.
func (l *outputFile) offset() int64 {
	if l.appends {
		if info, err := l.to.Stat(); err == nil {
			return info.Size()
		}
		return 0
	}
	n, err := l.to.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return n
}

// readEnd returns the end of the output since the child started. A file that is shorter
// than before was truncated, for example by log rotation.
func (l *outputFile) readEnd() []byte {
	defer l.from.Close()
	end := l.offset()
	began := l.startOffset
	if end < began {
		began = 0
	}
	// One more byte than the limit shows whether the text was longer.
	text := make([]byte, min(end-began, client.BodyLimit+1))
	n, err := l.from.ReadAt(text, end-int64(len(text)))
	if err != nil && n < len(text) {
		text = text[:n] // truncated at this moment
	}
	return client.Tail(text, client.BodyLimit)
}
