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

// An Oracle is a procfs with one file whose content changes: for fuzz tests, which
// cannot make a folder for each input.
type Oracle struct {
	file string
	fs   procfs.FS
}

// NewOracle returns an Oracle with a file, such as loadavg.
func NewOracle(t testing.TB, name string) *Oracle {
	t.Helper()
	root := TempDir(t)
	o := &Oracle{file: filepath.Join(root, name)}
	if err := os.MkdirAll(filepath.Dir(o.file), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.fs, err = procfs.NewFS(root); err != nil {
		t.Fatal(err)
	}
	return o
}

// IsPlain reports whether a text has only printable ASCII characters, blanks and line
// feeds. Procfs and the collectors separate words by different other characters, which
// the kernel does not write.
func IsPlain(text string) bool {
	for _, c := range []byte(text) {
		if c != '\n' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// Set sets the content of the file.
func (o *Oracle) Set(t testing.TB, content string) procfs.FS {
	t.Helper()
	if err := os.WriteFile(o.file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return o.fs
}
