package golden

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// openedPaths are the paths that a collector has opened, as it spelled them.
// They are safe for concurrent use: an abandoned run goes on.
type openedPaths struct {
	mu    sync.Mutex
	paths map[string]bool
}

func (o *openedPaths) add(path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.paths == nil {
		o.paths = map[string]bool{}
	}
	o.paths[path] = true
}

// take returns the paths that were opened since the last call.
func (o *openedPaths) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	paths := slices.Sorted(maps.Keys(o.paths))
	o.paths = nil
	return paths
}

// checkReads reports the files that were opened and that the data sheet does
// not list. A path that leads over symbolic links to a listed file counts as
// that file. An absent file of a device says nothing: there is no link to see
// which class it is read for.
func (r *recordedHost) checkReads(t testing.TB, spec collect.Spec) {
	t.Helper()
	patterns := slices.Concat(spec.Reads, spec.OptionalReads)
	recorded := false
	for _, file := range r.opened.take() {
		file = strings.TrimPrefix(file, r.root)
		if matches(patterns, file) {
			continue
		}
		if _, err := os.Lstat(r.root + file); err != nil && strings.HasPrefix(file, "/sys/devices/") {
			continue
		}
		if !recorded {
			recorded = true
			a, err := Record(r.root, patterns)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range a.Entries {
				r.reached = append(r.reached, "/"+e.Path)
			}
		}
		if !matches(r.reached, file) {
			t.Errorf("%s is opened: want it in Spec.Reads or Spec.OptionalReads", file)
		}
	}
}

// matches reports whether a path matches a pattern, or is a folder on the way
// to what matches.
func matches(patterns []string, file string) bool {
	depth := strings.Count(file, "/") + 1
	return slices.ContainsFunc(patterns, func(p string) bool {
		elems := strings.Split(p, "/")
		ok, _ := path.Match(strings.Join(elems[:min(depth, len(elems))], "/"), file)
		return ok
	})
}
