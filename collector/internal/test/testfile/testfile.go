// Package testfile writes trees of files, such as those of a host, for tests.
package testfile

import (
	"os"
	"path/filepath"
	"testing"
)

// Write writes a file with mode 644, and the directories that it needs.
func Write(t testing.TB, path, content string) {
	t.Helper()
	makeParent(t, path)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Link makes a symbolic link, and the directories that it needs.
func Link(t testing.TB, path, target string) {
	t.Helper()
	makeParent(t, path)
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// Dir makes a directory, and those that it needs.
func Dir(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func makeParent(t testing.TB, path string) {
	t.Helper()
	Dir(t, filepath.Dir(path))
}
