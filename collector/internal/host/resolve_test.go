package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestResolveStaysInTheTree(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"etc", "usr/lib", "nix/store/abc-etc/etc"} {
		testfile.Dir(t, filepath.Join(root, dir))
	}
	for _, file := range []string{"etc/plain", "usr/lib/os-release", "nix/store/abc-etc/etc/os-release"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"lib":              "usr/lib",
		"etc/relative":     "../usr/lib/os-release",
		"etc/absolute":     "/usr/lib/os-release",
		"etc/through":      "/lib/os-release",
		"etc/climbing":     "../../../../../../../../usr/lib/os-release",
		"etc/static":       "/nix/store/abc-etc/etc",
		"etc/nix":          "/etc/static/os-release",
		"etc/top":          "/",
		"etc/dangling":     "/usr/lib/nothing",
		"etc/loop":         "/etc/pool",
		"etc/pool":         "loop",
		"etc/through-file": "/etc/plain/os-release",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		path, want string
		err        error
	}{
		{"/etc/plain", "/etc/plain", nil},
		{"etc/plain", "/etc/plain", nil},
		{"/etc/./../etc//plain", "/etc/plain", nil},
		{"/../../etc/plain", "/etc/plain", nil},
		{"/", "/", nil},
		{"/etc/relative", "/usr/lib/os-release", nil},
		{"/etc/absolute", "/usr/lib/os-release", nil},
		{"/etc/through", "/usr/lib/os-release", nil},
		{"/etc/climbing", "/usr/lib/os-release", nil},
		{"/etc/nix", "/nix/store/abc-etc/etc/os-release", nil},
		{"/etc/top", "/", nil},
		{"/etc/top/lib/os-release", "/usr/lib/os-release", nil},
		{"/etc/missing", "", fs.ErrNotExist},
		{"/etc/dangling", "", fs.ErrNotExist},
		{"/etc/loop", "", syscall.ELOOP},
		{"/etc/through-file", "", syscall.ENOTDIR},
	} {
		got, err := NewTree(root).Reader().Resolve(test.path)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("Resolve(%q) = %q, %v, want %q, %v", test.path, got, err, test.want, test.err)
		}
	}
}

// On the live host the kernel follows the links.
func TestResolveBelowRoot(t *testing.T) {
	got, err := NewTree("/").Reader().Resolve("no/such/../file")
	if got != "/no/such/../file" || err != nil {
		t.Errorf("have %q, %v", got, err)
	}
}
