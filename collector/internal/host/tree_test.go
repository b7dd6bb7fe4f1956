package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPath(t *testing.T) {
	for _, c := range []struct {
		root string
		elem []string
		want string
	}{
		{"/proc", []string{"net", "dev"}, "/proc/net/dev"},
		{"/proc/", []string{"/net", "", "dev"}, "/proc/net/dev"},
		{"/", []string{"etc/os-release"}, "/etc/os-release"},
		{"/", []string{"/etc", "os-release"}, "/etc/os-release"},
		{"/", nil, "/"},
		{"", []string{"/var/lib/x", "a.prom"}, "/var/lib/x/a.prom"},
		{"", []string{"/", "a.prom"}, "/a.prom"},
		{"", []string{"text", "a.prom"}, "text/a.prom"},
		{"", nil, "/"},
	} {
		if got := NewTree(c.root).Path(c.elem...); got != c.want {
			t.Errorf("%q, %q: %s, want %s", c.root, c.elem, got, c.want)
		}
	}
}

func TestStat(t *testing.T) {
	dir := t.TempDir()
	r := NewTree(dir).Reader()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("four"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if st, err := r.Stat("link"); err != nil || st.Size != 4 || st.Mode&unix.S_IFMT != unix.S_IFREG {
		t.Errorf("link: %v, %d bytes, mode %o", err, st.Size, st.Mode)
	}
	if st, err := r.Stat("pipe"); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		t.Errorf("pipe: %v, mode %o", err, st.Mode)
	}
	var perr *fs.PathError
	if _, err := r.Stat("none"); !Gone(err) || !errors.As(err, &perr) || perr.Path != filepath.Join(dir, "none") {
		t.Errorf("none: %v", err)
	}
}
