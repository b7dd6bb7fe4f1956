package growth

import (
	"os"
	"path/filepath"
	"strings"
)

// A tree writes files below a root until there is an error.
type tree struct {
	root string
	err  error
}

// put writes a file with a line, and the folders on the way to it.
func (t *tree) put(path, line string) { t.write(path, line+"\n") }

func (t *tree) write(path, content string) {
	if path = t.folder(path); t.err == nil {
		t.err = os.WriteFile(path, []byte(content), 0o644)
	}
}

func (t *tree) link(path, target string) {
	if path = t.folder(path); t.err == nil {
		t.err = os.Symlink(target, path)
	}
}

// folder makes the folders on the way to a file, and returns the path of the file.
func (t *tree) folder(path string) string {
	path = filepath.Join(t.root, path)
	if t.err == nil {
		t.err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	return path
}

// lines returns the lines that a function makes of the numbers below n.
func lines(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
		b.WriteByte('\n')
	}
	return b.String()
}
