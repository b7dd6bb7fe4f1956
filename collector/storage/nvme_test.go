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
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestNvmeHungController has a controller that does not answer. It costs one
// wait, gets no second command before it answers, and has its samples again
// after that.
func TestNvmeHungController(t *testing.T) {
	root := t.TempDir()
	h := golden.Load(t, testdata+"/nvme.hung-controller.host", root)
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
		t.Errorf("while the controller hangs:\n%s", text)
	}
	hung := c.usage.byName["nvme1"].flight.Current()
	if hung == nil {
		t.Fatal("no read is in progress")
	}
	c.usage.timeout = time.Minute
	for range 3 {
		read()
		if c.usage.byName["nvme1"].flight.Current() != hung {
			t.Fatal("the controller gets a second command before it has answered")
		}
	}

	// The next read finds an ordinary file; the current one still reads the pipe.
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
	<-hung.Done()
	if text := read(); !strings.Contains(text, usage) || !strings.HasSuffix(text, "[]") {
		t.Errorf("after the controller has answered:\n%s", text)
	}
}

// TestNvmeShortDeadline has a hung controller and little time.
func TestNvmeShortDeadline(t *testing.T) {
	h := golden.Load(t, testdata+"/nvme.hung-controller.host", t.TempDir())
	set := metric.NewSet()
	c := newNvme(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()})
	c.usage.timeout = time.Minute
	start := time.Now()
	if err := c.Update(deadlineContext{t.Context(), start.Add(100 * time.Millisecond)}, metric.NewSink(set)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("the scrape took %v", took)
	}
}

// A deadlineContext has a deadline, but is not done by itself, as in a scrape.
type deadlineContext struct {
	context.Context
	deadline time.Time
}

func (c deadlineContext) Deadline() (time.Time, bool) { return c.deadline, true }

// TestNvmeSecrets checks that the collector opens no file of a controller that
// is not listed: a pipe without a writer would block it.
func TestNvmeSecrets(t *testing.T) {
	root := t.TempDir()
	h := golden.Load(t, testdata+"/nvme.host", root)
	for _, name := range []string{"dhchap_secret", "dhchap_ctrl_secret", "tls_key", "reset_controller", "rescan_controller", "delete_controller", "address"} {
		if err := unix.Mkfifo(filepath.Join(root, "sys/class/nvme/nvme0", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u, err := collect.NewUnit(nvme, h, log.NewNopLogger(), reservesNothing, nil)
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
	n := golden.NewWorkbench(b, nvme.Build, nil)
	for i := range 8 {
		dir := fmt.Sprintf("class/nvme/nvme%d/", i)
		for file, text := range map[string]string{"state": "live", "model": "ACME Fast 1000", "serial": "S0001", "firmware_rev": "1.2.3", "cntlid": "1"} {
			n.Sys(dir+file, text+"\n")
		}
		dir += fmt.Sprintf("nvme%dn1/", i)
		for file, text := range map[string]string{"nsid": "1", "size": "2000409264", "queue/logical_block_size": "512", "nuse": "1000"} {
			n.Sys(dir+file, text+"\n")
		}
	}
	n.Steady()
}

func BenchmarkDmmultipath(b *testing.B) {
	n := golden.NewWorkbench(b, dmmultipath.Build, nil)
	for i := range 100 {
		dir := fmt.Sprintf("block/dm-%d/", i)
		n.Sys(dir+"dm/uuid", fmt.Sprintf("mpath-3600508b4000156d700012%09d\n", i))
		n.Sys(dir+"dm/name", fmt.Sprintf("mpath%d\n", i))
		n.Sys(dir+"dm/suspended", "0\n")
		n.Sys(dir+"size", "209715200\n")
		for p := range 4 {
			n.Sys(fmt.Sprintf("%sslaves/sd%d-%d/device/state", dir, i, p), "running\n")
		}
	}
	n.Steady()
}
