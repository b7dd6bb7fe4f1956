// Package fault makes files fail when a host reads them, with errors that an
// ordinary file cannot have. It knows nothing of what the files hold.
package fault

import (
	"path/filepath"
	"sync"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Files are files that fail, by their absolute paths without symbolic links.
// They may change while a tree is read. The zero value is ready.
type Files struct {
	mu     sync.Mutex
	byPath map[string]error
	names  map[string]int // number of failing files, by the last element of the path
}

// Inject returns a tree in which the files fail.
func (f *Files) Inject(t host.Tree) host.Tree { return host.InjectFaults(t, f.At) }

// Set makes reading a file fail with err, or succeed if err is nil.
func (f *Files) Set(path string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byPath == nil {
		f.byPath, f.names = map[string]error{}, map[string]int{}
	}
	if _, ok := f.byPath[path]; ok {
		delete(f.byPath, path)
		f.names[filepath.Base(path)]--
	}
	if err != nil {
		f.byPath[path] = err
		f.names[filepath.Base(path)]++
	}
}

// At returns the error of a file, or nil. The path may have symbolic links, but
// not as its last element.
func (f *Files) At(path string) error {
	base := filepath.Base(path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names[base] == 0 {
		return nil
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, base)
	}
	return f.byPath[path]
}

// Len returns the number of files that fail.
func (f *Files) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byPath)
}
