package storage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestNvmeStuck has a controller that does not answer: it is waited for once,
// never asked again meanwhile, and told of again when it has answered.
func TestNvmeStuck(t *testing.T) {
	root := t.TempDir()
	h := golden.Load(t, "../../testdata/storage/nvme.hung-controller.host", root)
	set := metric.NewSet()
	c := newNvme(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()})
	c.usage.timeout = 20 * time.Millisecond
	out := metric.NewSink(set)
	read := func() string {
		t.Helper()
		out.Reset(metric.Text)
		if err := c.Update(context.Background(), out); err != nil {
			t.Fatal(err)
		}
		errs, _ := out.Errors()
		return string(out.AppendText(nil, nil, nil)) + fmt.Sprint(errs)
	}
	const usage = `node_nvme_namespace_used_bytes{device="nvme1",nsid="2"} 512000`

	if text := read(); strings.Contains(text, usage) || !strings.Contains(text, "nvme1: nuse: no answer") {
		t.Errorf("while the controller is stuck:\n%s", text)
	}
	stuck := c.usage.byName["nvme1"].flight.Current()
	if stuck == nil {
		t.Fatal("nobody waits for the controller")
	}
	for range 3 {
		read()
		if c.usage.byName["nvme1"].flight.Current() != stuck {
			t.Fatal("the controller is asked again before it has answered")
		}
	}

	// The file that comes after is an ordinary one; the pipe that the reading
	// has open still needs an answer.
	pipe := filepath.Join(root, "sys/class/nvme/nvme1/nvme1n2/nuse")
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(pipe); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pipe, []byte("1000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("7\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	<-stuck.Done()
	c.usage.timeout = time.Minute
	if text := read(); !strings.Contains(text, usage) || !strings.HasSuffix(text, "[]") {
		t.Errorf("after the controller has answered:\n%s", text)
	}
}

// TestNvmeSecrets makes sure that nothing but what is listed is opened below a
// controller: a pipe that nobody writes to would hold the reading up.
func TestNvmeSecrets(t *testing.T) {
	root := t.TempDir()
	h := golden.Load(t, "../../testdata/storage/nvme.host", root)
	for _, name := range []string{"dhchap_secret", "dhchap_ctrl_secret", "tls_key", "reset_controller", "rescan_controller", "delete_controller", "address"} {
		if err := unix.Mkfifo(filepath.Join(root, "sys/class/nvme/nvme0", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u, err := collect.NewUnit(nvme, h, log.NewNopLogger(), func(string) bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := u.Begin(metric.Text)
	result, ok := r.Wait(context.Background(), time.Now().Add(time.Minute))
	if !ok || result.State != collect.OK {
		t.Errorf("%v, %v", result.State, u.Status().Err)
	}
}

func BenchmarkNvme(b *testing.B) {
	benchCollector(b, nvme, func(put func(file, text string)) {
		for i := range 8 {
			dir := fmt.Sprintf("sys/class/nvme/nvme%d/", i)
			for file, text := range map[string]string{"state": "live", "model": "ACME Fast 1000", "serial": "S0001", "firmware_rev": "1.2.3", "cntlid": "1"} {
				put(dir+file, text+"\n")
			}
			dir += fmt.Sprintf("nvme%dn1/", i)
			for file, text := range map[string]string{"nsid": "1", "size": "2000409264", "queue/logical_block_size": "512", "nuse": "1000"} {
				put(dir+file, text+"\n")
			}
		}
	})
}

func BenchmarkDmmultipath(b *testing.B) {
	benchCollector(b, dmmultipath, func(put func(file, text string)) {
		for i := range 100 {
			dir := fmt.Sprintf("sys/block/dm-%d/", i)
			put(dir+"dm/uuid", fmt.Sprintf("mpath-3600508b4000156d700012%09d\n", i))
			put(dir+"dm/name", fmt.Sprintf("mpath%d\n", i))
			put(dir+"dm/suspended", "0\n")
			put(dir+"size", "209715200\n")
			for p := range 4 {
				put(fmt.Sprintf("%sslaves/sd%d-%d/device/state", dir, i, p), "running\n")
			}
		}
	})
}

// benchCollector reads a host that put makes.
func benchCollector(b *testing.B, spec collect.Spec, lay func(put func(file, text string))) {
	root := b.TempDir()
	lay(func(file, text string) {
		file = filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	})
	set := metric.NewSet()
	h := &host.Host{Proc: host.NewTree(root + "/proc"), Sys: host.NewTree(root + "/sys").Attributes()}
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, nil)
	if err != nil {
		b.Fatal(err)
	}
	sink := metric.NewSink(set)
	b.ReportAllocs()
	for b.Loop() {
		sink.Reset(metric.Text)
		if err := c.Update(context.Background(), sink); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(sink.SampleCount()), "samples")
}
