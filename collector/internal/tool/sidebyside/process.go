package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// An exporter is a running binary with its measurements.
type exporter struct {
	name     string
	encoding string
	cmd      *exec.Cmd
	url      string
	samples  int
	bytes    int

	before       cpuTime
	user, system time.Duration // per scrape, from clock ticks
	total        time.Duration // per scrape, from the clock of the process
	rss, private float64       // MiB
	latency      []time.Duration
	calls        float64 // system calls per scrape; 0: unknown
	files        []string
}

func start(binary, encoding string, flags []string) (*exporter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	l.Close()
	e := &exporter{name: filepath.Base(binary), encoding: encoding, url: "http://" + address + "/metrics"}
	e.cmd = exec.Command(binary, append(flags, "--web.listen-address="+address)...)
	e.cmd.Stderr = os.Stderr
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return e, nil
		}
		if time.Now().After(deadline) {
			e.stop()
			return nil, fmt.Errorf("%s does not listen: %w", binary, err)
		}
	}
}

func (e *exporter) stop() {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	_ = e.cmd.Wait()
}

// scrape sends the request of Prometheus with the encoding that it accepts.
func (e *exporter) scrape() (time.Duration, error) {
	req, err := http.NewRequest("GET", e.url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	req.Header.Set("Accept-Encoding", e.encoding)
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	took := time.Since(begin)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s, %w", e.name, resp.Status, err)
	}
	e.bytes = len(body)
	text, err := decode(body, resp.Header.Get("Content-Encoding"))
	if err != nil {
		return 0, err
	}
	e.samples = 0
	for sc := bufio.NewScanner(text); sc.Scan(); {
		if len(sc.Bytes()) > 0 && sc.Bytes()[0] != '#' {
			e.samples++
		}
	}
	return took, nil
}

// decode returns the text of a body.
func decode(body []byte, encoding string) (io.Reader, error) {
	switch encoding {
	case "gzip":
		return gzip.NewReader(bytes.NewReader(body))
	case "zstd":
		return zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1))
	}
	return bytes.NewReader(body), nil
}

type cpuTime struct{ user, system, total time.Duration }

// cpu reads the user and system time from /proc/PID/stat, in clock ticks of 10 ms,
// and the sum of both from the CPU clock of the process, which is exact.
func (e *exporter) cpu() cpuTime {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.cmd.Process.Pid))
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	ticks := func(s string) time.Duration {
		n, _ := strconv.Atoi(s)
		return time.Duration(n) * 10 * time.Millisecond
	}
	var ts unix.Timespec
	_ = unix.ClockGettime(int32(^e.cmd.Process.Pid<<3|2), &ts) // see clock_getcpuclockid(3)
	return cpuTime{ticks(f[11]), ticks(f[12]), time.Duration(ts.Nano())}
}

// memoryMiB returns a number of kilobytes in /proc/PID/status in megabytes.
func (e *exporter) memoryMiB(key string) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	m := regexp.MustCompile(key + `:\s+(\d+) kB`).FindStringSubmatch(string(b))
	if m == nil {
		return 0
	}
	kB, _ := strconv.ParseFloat(m[1], 64)
	return kB / 1024
}

// awaitTracer waits until strace has attached to all threads.
func (e *exporter) awaitTracer() {
	untraced := func(task string) bool {
		b, err := os.ReadFile(task + "/status")
		return err == nil && strings.Contains(string(b), "TracerPid:\t0\n")
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", e.cmd.Process.Pid))
		if !slices.ContainsFunc(tasks, untraced) {
			return
		}
	}
}

// keptFiles returns the files of procfs that the exporter keeps open.
func (e *exporter) keptFiles() (files []string) {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", e.cmd.Process.Pid))
	for _, link := range links {
		if file, err := os.Readlink(link); err == nil && strings.HasPrefix(file, "/proc/") {
			files = append(files, file)
		}
	}
	return files
}

// trace counts the system calls per scrape, and lists the files that the exporter
// opened or keeps open. It needs strace.
func (e *exporter) trace() (perScrape float64, files []string) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return 0, nil
	}
	const scrapes = 5
	for range 3 { // some files are read once
		if _, err := e.scrape(); err != nil {
			return 0, nil
		}
	}
	log := filepath.Join(os.TempDir(), fmt.Sprintf("sidebyside-%d.strace", e.cmd.Process.Pid))
	defer os.Remove(log)
	cmd := exec.Command(strace, "-f", "-qq", "-o", log, "-p", strconv.Itoa(e.cmd.Process.Pid))
	if cmd.Start() != nil {
		return 0, nil
	}
	e.awaitTracer()
	for range scrapes {
		if _, err := e.scrape(); err != nil {
			break
		}
	}
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	b, err := os.ReadFile(log)
	if err != nil {
		return 0, nil
	}
	for line := range strings.Lines(string(b)) {
		if !strings.Contains(line, "resumed>") {
			perScrape += 1. / scrapes
		}
		if m := openCall.FindStringSubmatch(line); m != nil {
			files = append(files, m[1])
		}
	}
	files = append(files, e.keptFiles()...)
	slices.Sort(files)
	return perScrape, slices.DeleteFunc(slices.Compact(files), func(f string) bool {
		info, err := os.Stat(f)
		return err != nil || info.IsDir()
	})
}
