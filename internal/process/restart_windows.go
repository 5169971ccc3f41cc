package process

import (
	"errors"
	"os"
)

// errUnsupported is returned on Windows, which cannot replace the program of a process.
var errUnsupported = errors.New("not supported on Windows")

// restartRequests returns a channel without requests.
func restartRequests() (requests <-chan os.Signal, stop func()) { return nil, func() {} }

func keepOnExec(*os.File) (int, error) { return 0, errUnsupported }

func execInPlace(string, []string, []string) error { return errUnsupported }
