package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs"
)

// Procfs returns a procfs with one file, such as stat or pressure/io: an oracle
// for the parser of that file.
func Procfs(t testing.TB, name, content string) procfs.FS {
	t.Helper()
	root := t.TempDir()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}
