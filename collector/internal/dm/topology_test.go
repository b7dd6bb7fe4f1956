package dm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestTopology(t *testing.T) {
	root := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, "block", path)
		testfile.Write(t, path, content)
	}
	sys, topology := host.NewTree(root).Reader(), NewTopology()
	var block host.Listing
	var reported []string
	read := func() string {
		t.Helper()
		if _, err := host.NewTree(root).Reader().List(&block, "block"); err != nil {
			t.Fatal(err)
		}
		reported = nil
		var b strings.Builder
		for _, m := range topology.Maps(sys, block.Entries, func(err error) { reported = append(reported, err.Error()) }) {
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
	check := func(what, want string, errs int) {
		t.Helper()
		if got := read(); got != want || len(reported) != errs {
			t.Errorf("%s: %q, want %q; reported: %v", what, got, want, reported)
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
	write("dm-4/dm/name", "late\n")
	check("first reading", "dm-2=a sdaa sdc ^dm-3; dm-10=b sdb; ", 0)
	check("no change", "dm-2=a sdaa sdc ^dm-3; dm-10=b sdb; ", 0)

	write("dm-2/dm/name", "renamed\n")
	if err := os.Remove(filepath.Join(root, "block/dm-2/slaves/sdc")); err != nil {
		t.Fatal(err)
	}
	write("dm-4/dm/uuid", "mpath-late\n")
	write("dm-4/slaves/sdd", "")
	check("new name, removed path, new UUID", "dm-2=renamed sdaa ^dm-3; dm-4=late sdd; dm-10=b sdb; ", 0)

	write("dm-2/dm/name", "")
	check("no name", "dm-4=late sdd; dm-10=b sdb; ", 1)
	if err := os.RemoveAll(filepath.Join(root, "block/dm-10")); err != nil {
		t.Fatal(err)
	}
	check("removed map", "dm-4=late sdd; ", 1)
}
