package network

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

const testdata = "../../testdata/network"

func TestGolden(t *testing.T) { golden.Run(t, testdata, Collectors()) }

func writeFile(t testing.TB, content string, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	testfile.Write(t, path, content)
}

// procfsOf returns procfs on the files of a workbench.
func procfsOf(t testing.TB, b *golden.Workbench) procfs.FS {
	t.Helper()
	return procfsAt(t, filepath.Join(b.Root, "proc"))
}

// procfsWithFile returns procfs on a directory with one file.
func procfsWithFile(t testing.TB, file, content string) procfs.FS {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, content, dir, file)
	return procfsAt(t, dir)
}

func procfsAt(t testing.TB, dir string) procfs.FS {
	t.Helper()
	fs, err := procfs.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func newUnit(t testing.TB, spec collect.Spec, h *host.Host, options map[string][]string, reserved func(string) bool) *collect.Unit {
	t.Helper()
	u, err := collect.NewUnit(spec, h, log.NewNopLogger(), reserved, options)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func readUnit(t testing.TB, u *collect.Unit) string {
	t.Helper()
	r := u.Begin(metric.Text)
	if _, ok := r.Wait(context.Background(), time.Now().Add(time.Minute)); !ok {
		t.Fatal("the collector is late")
	}
	return string(u.AppendText(nil, nil))
}

func reservesNothing(string) bool { return false }

// benchmarkUnit scrapes a collector. The first scrape, which fills caches, does
// not count.
func benchmarkUnit(b *testing.B, spec collect.Spec, h *host.Host, options map[string][]string) {
	b.Helper()
	u := newUnit(b, spec, h, options, reservesNothing)
	text := []byte(readUnit(b, u))
	b.ReportAllocs()
	for b.Loop() {
		r := u.Begin(metric.Text)
		r.Wait(context.Background(), time.Now().Add(time.Minute))
		text = u.AppendText(text[:0], nil)
	}
}
