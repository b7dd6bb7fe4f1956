package doctor

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// InspectRecorded is Inspect for a recorded host. It reads the files: what could not be
// read when the host was recorded cannot be read now.
func InspectRecorded(h *host.Host, patterns []string) FileAccess {
	a := FileAccess{PatternCount: len(patterns)}
	r := h.Root.Reader()
	for _, pattern := range patterns {
		files := globRecorded(r, pattern)
		if len(files) > 0 {
			a.MatchCount++
		}
		var unreadable []string
		for _, f := range files[:min(len(files), maxFiles)] {
			if st, err := r.Stat(f); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
				continue
			}
			if _, err := r.Read(f); errors.Is(err, fs.ErrPermission) {
				unreadable = append(unreadable, f)
			}
		}
		a.Patterns = append(a.Patterns, PatternAccess{Pattern: pattern, Path: pattern, Count: len(files), Unreadable: len(unreadable)})
		if len(unreadable) > 0 {
			a.add(UnreadableFile{
				Path: unreadable[0], More: len(unreadable) - 1, Why: "when the snapshot was taken",
				Fix: "host_exporter doctor on the host itself says what",
			})
		}
	}
	return a
}

// globRecorded returns the paths of a host that match a pattern.
func globRecorded(r *host.Reader, pattern string) []string {
	found := []string{""}
	for elem := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		for _, dir := range found {
			if !strings.ContainsAny(elem, `*?[\`) {
				if p := dir + "/" + elem; r.Exists(p) {
					next = append(next, p)
				}
				continue
			}
			names, _ := r.Names(dir + "/") // what cannot be listed has no match
			for _, name := range names {
				if ok, _ := path.Match(elem, name); ok {
					next = append(next, dir+"/"+name)
				}
			}
		}
		found = next
	}
	return found
}
