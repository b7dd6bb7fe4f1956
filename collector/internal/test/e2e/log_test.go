package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startWithLog starts the exporter with a pipe as its log, which is full if
// isFull is true. Nothing reads it.
func startWithLog(t *testing.T, address string, isFull bool) (cmd *exec.Cmd, log *os.File) {
	t.Helper()
	log, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if isFull {
		fill(t, end)
	}
	cmd = exec.Command(build(t), "--web.listen-address="+address, "--log.level=debug", "--web.enable-lifecycle")
	cmd.Stdout, cmd.Stderr = end, end
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
	})
	return cmd, log
}

// fill writes to a pipe until it is full.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	if err := pipe.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for b := []byte(strings.Repeat("x", 4096)); ; {
		if _, err := pipe.Write(b); err != nil {
			return
		}
	}
}

// wantEnd ends the exporter by a signal, in less than a limit.
func wantEnd(t *testing.T, cmd *exec.Cmd, limit time.Duration) {
	t.Helper()
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(limit):
		t.Errorf("still running %v after SIGTERM", time.Since(began))
		_ = cmd.Process.Kill()
		<-done
	}
}

// TestEndToEndStalledLog has a log that is never read: neither the scrapes nor
// the page nor the end of the process may wait for it.
func TestEndToEndStalledLog(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	address := freeAddress(t)
	cmd, _ := startWithLog(t, address, true)
	for range 3 {
		get(t, "http://"+address+"/metrics")
		get(t, "http://"+address+"/")
	}
	wantEnd(t, cmd, 10*time.Second)
}

// TestEndToEndLogReaderExits has a log whose reader exits: the exporter must
// not be killed by SIGPIPE, and counts the lines.
func TestEndToEndLogReaderExits(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	address := freeAddress(t)
	cmd, log := startWithLog(t, address, false)
	get(t, "http://"+address+"/metrics")
	log.Close()
	resp, err := http.Post("http://"+address+"/-/reload", "", nil) // logs that there is no file
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if !eventually(10*time.Second, func() bool {
		return strings.Contains(get(t, "http://"+address+"/metrics"), "\nhost_exporter_log_lines_dropped_total 1\n")
	}) {
		t.Error("the dropped line is not counted")
	}
	wantEnd(t, cmd, 10*time.Second)
}
