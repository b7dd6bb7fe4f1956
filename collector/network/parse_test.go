package network

import (
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const testdata = "../../testdata/network"

// procfsOf returns procfs' own view of a workbench.
func procfsOf(t testing.TB, b *golden.Workbench) procfs.FS {
	t.Helper()
	fs, err := procfs.NewFS(filepath.Join(b.Root, "proc"))
	if err != nil {
		t.Fatal(err)
	}
	return fs
}
