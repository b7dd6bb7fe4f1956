package dm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

func TestTopology(t *testing.T) {
	root := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, "block", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	topology := NewTopology(host.NewTree(root))
	var block host.Listing
	var told []string
	read := func() string {
		t.Helper()
		if _, err := host.NewTree(root).Reader().List(&block, "block"); err != nil {
			t.Fatal(err)
		}
		told = nil
		var b strings.Builder
		for _, m := range topology.Maps(block.Entries, func(err error) { told = append(told, err.Error()) }) {
			fmt.Fprintf(&b, "%s=%s", m.SysfsName, m.Name)
			for _, p := range m.Paths {
				b.WriteString(" " + p.Name)
			}
			for _, h := range m.Holders {
				b.WriteString(" ^" + h.Name)
			}
			b.WriteString("; ")
		}
		return b.String()
	}
	want := func(what, want string, complaints int) {
		t.Helper()
		if got := read(); got != want || len(told) != complaints {
			t.Errorf("%s: %q, want %q; told: %v", what, got, want, told)
		}
	}
	write("sda/size", "1")
	write("dm-10/dm/uuid", "mpath-b\n")
	write("dm-10/dm/name", "b\n")
	write("dm-10/slaves/sdb", "")
	write("dm-2/dm/uuid", "mpath-a\n")
	write("dm-2/dm/name", "a\n")
	write("dm-2/slaves/sdaa", "")
	write("dm-2/slaves/sdc", "")
	write("dm-2/holders/dm-3", "")
	write("dm-3/dm/uuid", "LVM-x\n")
	write("dm-3/dm/name", "vg-lv\n")
	write("dm-4/dm/uuid", "\n")
	write("dm-4/dm/name", "bare\n")
	want("at first", "dm-2=a sdaa sdc ^dm-3; dm-10=b sdb; ", 0)
	want("again", "dm-2=a sdaa sdc ^dm-3; dm-10=b sdb; ", 0)

	write("dm-2/dm/name", "renamed\n")
	if err := os.Remove(filepath.Join(root, "block/dm-2/slaves/sdc")); err != nil {
		t.Fatal(err)
	}
	write("dm-4/dm/uuid", "mpath-late\n")
	write("dm-4/slaves/sdd", "")
	want("changed", "dm-2=renamed sdaa ^dm-3; dm-4=bare sdd; dm-10=b sdb; ", 0)

	write("dm-2/dm/name", "")
	want("without a name", "dm-4=bare sdd; dm-10=b sdb; ", 1)
	if err := os.RemoveAll(filepath.Join(root, "block/dm-10")); err != nil {
		t.Fatal(err)
	}
	want("one is gone", "dm-4=bare sdd; ", 1)
}
