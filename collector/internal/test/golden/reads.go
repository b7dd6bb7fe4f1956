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
	sheet := slices.Concat(spec.Reads, spec.OptionalReads)
	listed := byDepth(sheet)
	recorded := false
	for _, file := range r.opened.take() {
		file = strings.TrimPrefix(file, r.root)
		if slices.ContainsFunc(listed[strings.Count(file, "/")], func(pattern string) bool {
			ok, _ := path.Match(pattern, file)
			return ok
		}) {
			continue
		}
		if _, err := os.Lstat(r.root + file); err != nil && strings.HasPrefix(file, "/sys/devices/") {
			continue
		}
		if !recorded {
			r.addReached(t, sheet)
			recorded = true
		}
		if !r.reached[file] {
			t.Errorf("%s is opened: want it in Spec.Reads or Spec.OptionalReads", file)
		}
	}
}

// byDepth returns the patterns by their number of slashes, with those of the
// folders on the way: a collector lists them to find what matches.
func byDepth(patterns []string) map[int][]string {
	seen, all := map[string]bool{}, map[int][]string{}
	for _, p := range patterns {
		for ; p != "/" && !seen[p]; p = path.Dir(p) {
			seen[p] = true
			depth := strings.Count(p, "/")
			all[depth] = append(all[depth], p)
		}
	}
	return all
}

// addReached notes which paths the patterns lead to at this moment, with the
// links and folders on the way.
func (r *recordedHost) addReached(t testing.TB, patterns []string) {
	t.Helper()
	a, err := Record(r.root, patterns)
	if err != nil {
		t.Fatal(err)
	}
	if r.reached == nil {
		r.reached = map[string]bool{}
	}
	for _, e := range a.Entries {
		for p := "/" + e.Path; p != "/" && !r.reached[p]; p = path.Dir(p) {
			r.reached[p] = true
		}
	}
}
