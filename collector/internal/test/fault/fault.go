// Package fault makes files fail when a host reads them, with errors that an
// ordinary file cannot have. It knows nothing of what the files hold.
package fault

import (
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Files are files that fail, by their absolute paths. Paths that lead over
// symbolic links to the same folder are the same. Files may change while a tree
// is read. The zero value is ready.
type Files struct {
	mu     sync.Mutex
	byPath map[string]error
}

// Inject returns a tree in which the files fail.
func (f *Files) Inject(t host.Tree) host.Tree { return host.InjectFaults(t, f.At) }

// Set makes reading a file fail with err, or succeed if err is nil.
func (f *Files) Set(path string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.byPath, func(p string, _ error) bool { return sameFile(p, path) })
	if err == nil {
		return
	}
	if f.byPath == nil {
		f.byPath = map[string]error{}
	}
	f.byPath[path] = err
}

// At returns the error of a file, or nil.
func (f *Files) At(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p, err := range f.byPath {
		if sameFile(p, path) {
			return err
		}
	}
	return nil
}

// sameFile reports whether two paths have the same last element in the same
// folder. The file itself may be absent.
func sameFile(a, b string) bool {
	if filepath.Base(a) != filepath.Base(b) {
		return false
	}
	dirA, errA := os.Stat(filepath.Dir(a))
	dirB, errB := os.Stat(filepath.Dir(b))
	return errA == nil && errB == nil && os.SameFile(dirA, dirB)
}

// Len returns the number of files that fail.
func (f *Files) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byPath)
}
