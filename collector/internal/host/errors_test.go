package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// TestMalformedPrivate: an error has the content of a file only if everybody may read it.
func TestMalformedPrivate(t *testing.T) {
	root := t.TempDir() // which others may not read
	for path, mode := range map[string]os.FileMode{"public/all": 0o444, "public/group": 0o440, "public/owner": 0o600, "private/all": 0o444} {
		testfile.Dir(t, filepath.Join(root, filepath.Dir(path)))
		if err := os.WriteFile(filepath.Join(root, path), []byte("hunter2\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(root, "private"), 0o750); err != nil {
		t.Fatal(err)
	}
	r := NewTree(root).Reader()
	for path, want := range map[string]string{
		"public/all":   `:1: want an unsigned number, have "hunter2"`,
		"public/group": ":1: want an unsigned number",
		"public/owner": ":1: want an unsigned number",
		"private/all":  ":1: want an unsigned number",
	} {
		_, err := r.Uint(path)
		if have, want := err.Error(), filepath.Join(root, path)+want; have != want {
			t.Errorf("%s, want %s", have, want)
		}
	}
}
