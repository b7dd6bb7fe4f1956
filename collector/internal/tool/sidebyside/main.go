// Sidebyside compares what a scrape costs in host_exporter and in a peer:
// both run on this host with the same collectors, and are scraped in turns as
// Prometheus does it.
//
//	go run ./collector/internal/tool/sidebyside -peer /usr/bin/prometheus-node-exporter
//
// It prints, for each, the samples, the user and system CPU time per scrape,
// the system calls (where strace is installed), the resident memory and the
// latency; and the floor: the CPU time of opening, reading and closing the
// same files once with bare system calls. With -max-ratio and the like it
// fails when a figure is worse.
package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector"
)

func main() {
	peer := flag.String("peer", "/usr/bin/prometheus-node-exporter", "the other exporter's binary")
	scrapes := flag.Int("scrapes", 300, "how many scrapes of each to measure")
	collectors := flag.String("collectors", "", "comma-separated collectors to enable (default: those that both have on by default)")
	maxRatio := flag.Float64("max-ratio", 0, "fail if our CPU time per scrape is more than this part of the peer's")
	maxFloor := flag.Float64("max-floor", 0, "fail if our CPU time per scrape is more than this many times the floor")
	maxRSS := flag.Float64("max-rss", 0, "fail if our resident memory is more than this many MiB")
	flag.Parse()
	if err := run(*peer, *scrapes, *collectors, *maxRatio, *maxFloor, *maxRSS); err != nil {
		fmt.Fprintln(os.Stderr, "sidebyside:", err)
		os.Exit(1)
	}
}

func run(peer string, scrapes int, list string, maxRatio, maxFloor, maxRSS float64) error {
	dir, err := os.MkdirTemp("", "sidebyside")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours := filepath.Join(dir, "host_exporter")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", ours, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	names := strings.Split(list, ",")
	if list == "" {
		if names, err = common(peer); err != nil {
			return err
		}
	}
	flags := []string{"--collector.disable-defaults", "--log.level=error"}
	for _, name := range names {
		flags = append(flags, "--collector."+name)
	}
	var both [2]*exporter
	for i, binary := range []string{ours, peer} {
		if both[i], err = start(binary, flags); err != nil {
			return err
		}
		defer both[i].stop()
	}
	fmt.Printf("%d collectors: %s\n%d scrapes of each in turns, gzip, Linux %s, %d CPUs, %s\n\n",
		len(names), strings.Join(names, " "), scrapes, release(), runtime.NumCPU(), runtime.Version())

	for _, e := range both {
		for range 20 { // caches, buffers, heap
			if _, err := e.scrape(); err != nil {
				return err
			}
		}
	}
	for i, binary := range []string{ours, peer} {
		// In a process of its own: being traced leaves its traces.
		traced, err := start(binary, flags)
		if err != nil {
			return err
		}
		both[i].calls, both[i].files = traced.trace()
		traced.stop()
	}
	floor, theirs := newFloor(both[0].files), newFloor(both[1].files)
	for _, e := range both {
		e.before = e.cpu()
	}
	for range scrapes {
		// In turns as well: caches are as cold for the floor as for the others.
		floor.readAll()
		theirs.readAll()
		for _, e := range both {
			took, err := e.scrape()
			if err != nil {
				return err
			}
			e.latency = append(e.latency, took)
		}
	}
	for _, e := range both {
		after := e.cpu()
		e.user = (after.user - e.before.user) / time.Duration(scrapes)
		e.system = (after.system - e.before.system) / time.Duration(scrapes)
		e.rss = e.residentMiB()
	}
	floor.cpu /= time.Duration(scrapes)
	theirs.cpu /= time.Duration(scrapes)
	print(both, floor, theirs)

	ratio := float64(both[0].total()) / float64(both[1].total())
	overFloor := float64(both[0].total()) / float64(floor.cpu)
	var bad []error
	if maxRatio > 0 && ratio > maxRatio {
		bad = append(bad, fmt.Errorf("CPU per scrape is %.2f of the peer's, want at most %.2f", ratio, maxRatio))
	}
	if maxFloor > 0 && len(floor.files) > 0 && overFloor > maxFloor {
		bad = append(bad, fmt.Errorf("CPU per scrape is %.2f times the floor, want at most %.2f", overFloor, maxFloor))
	}
	if maxRSS > 0 && both[0].rss > maxRSS {
		bad = append(bad, fmt.Errorf("resident memory is %.1f MiB, want at most %.1f", both[0].rss, maxRSS))
	}
	return errors.Join(bad...)
}

// common returns the collectors that both binaries have, and that ours has on
// by default.
func common(peer string) ([]string, error) {
	out, err := exec.Command(peer, "--help").CombinedOutput()
	if err != nil && len(out) == 0 {
		return nil, fmt.Errorf("%s --help: %w", peer, err)
	}
	theirs := regexp.MustCompile(`--(?:\[no-\])?collector\.([a-z_]+)[\s]`).FindAllStringSubmatch(string(out), -1)
	var names []string
	for _, spec := range collector.Catalog() {
		if !spec.Off && slices.ContainsFunc(theirs, func(m []string) bool { return m[1] == spec.Name }) {
			names = append(names, spec.Name)
		}
	}
	return names, nil
}

// An exporter is a running binary, and what was measured of it.
type exporter struct {
	name    string
	cmd     *exec.Cmd
	url     string
	samples int
	bytes   int

	before       cpuTime
	user, system time.Duration // per scrape
	rss          float64       // MiB
	latency      []time.Duration
	calls        float64 // system calls per scrape; 0: not known
	files        []string
}

func start(binary string, flags []string) (*exporter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	l.Close()
	e := &exporter{name: filepath.Base(binary), url: "http://" + address + "/metrics"}
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

func (e *exporter) total() time.Duration { return e.user + e.system }

// scrape asks as Prometheus does.
func (e *exporter) scrape() (time.Duration, error) {
	req, err := http.NewRequest("GET", e.url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	req.Header.Set("Accept-Encoding", "gzip")
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
	text, err := gzip.NewReader(strings.NewReader(string(body)))
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

type cpuTime struct{ user, system time.Duration }

// cpu reads the CPU time from /proc/PID/stat, in clock ticks of 10 ms.
func (e *exporter) cpu() cpuTime {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.cmd.Process.Pid))
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	ticks := func(s string) time.Duration {
		n, _ := strconv.Atoi(s)
		return time.Duration(n) * 10 * time.Millisecond
	}
	return cpuTime{ticks(f[11]), ticks(f[12])}
}

func (e *exporter) residentMiB() float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindStringSubmatch(string(b))
	if m == nil {
		return 0
	}
	kB, _ := strconv.ParseFloat(m[1], 64)
	return kB / 1024
}

var openCall = regexp.MustCompile(`open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", O_RDONLY[^)]*\)\s+= \d`)

// trace counts the system calls of a few scrapes, and lists the files that one
// opened and read. It needs strace.
func (e *exporter) trace() (perScrape float64, files []string) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return 0, nil
	}
	const scrapes = 5
	for range 3 { // what is read once is not what a scrape costs
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
	time.Sleep(time.Second) // strace attaches
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
	slices.Sort(files)
	return perScrape, slices.DeleteFunc(slices.Compact(files), func(f string) bool {
		info, err := os.Stat(f)
		return err != nil || info.IsDir()
	})
}

// A floor is the least that reading the files can cost.
type floor struct {
	files   []string
	buffers [][]byte
	cpu     time.Duration
}

// newFloor gives each file a buffer that fits: the kernel allocates and clears
// as much as is asked for when a file of /proc/sys is read.
func newFloor(files []string) *floor {
	f := &floor{files: files}
	for _, file := range files {
		b, _ := os.ReadFile(file)
		f.buffers = append(f.buffers, make([]byte, (len(b)/4096+1)*4096))
	}
	return f
}

// readAll opens, reads and closes every file once, with nothing but system
// calls, and adds up the CPU time.
func (f *floor) readAll() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadCPU()
	for i, file := range f.files {
		readOnce(file, f.buffers[i])
	}
	f.cpu += threadCPU() - before
}

func readOnce(file string, buf []byte) {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	for {
		if n, err := unix.Read(fd, buf); n <= 0 || err != nil {
			return
		}
	}
}

func threadCPU() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

func release() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(b))
}

func print(both [2]*exporter, floor, theirs *floor) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	a, b := both[0], both[1]
	fmt.Fprintf(w, "\t%s\t%s\tratio\t\n", a.name, b.name)
	row := func(what, format string, of func(*exporter) float64) {
		ratio := "-"
		if of(b) != 0 && of(a) != 0 {
			ratio = fmt.Sprintf("%.2f", of(a)/of(b))
		}
		fmt.Fprintf(w, "%s\t"+format+"\t"+format+"\t%s\t\n", what, of(a), of(b), ratio)
	}
	ms := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
	row("samples", "%.0f", func(e *exporter) float64 { return float64(e.samples) })
	row("bytes, compressed", "%.0f", func(e *exporter) float64 { return float64(e.bytes) })
	row("user CPU ms/scrape", "%.3f", func(e *exporter) float64 { return ms(e.user) })
	row("system CPU ms/scrape", "%.3f", func(e *exporter) float64 { return ms(e.system) })
	row("CPU ms/scrape", "%.3f", func(e *exporter) float64 { return ms(e.total()) })
	row("system calls/scrape", "%.0f", func(e *exporter) float64 { return e.calls })
	row("files read", "%.0f", func(e *exporter) float64 { return float64(len(e.files)) })
	row("resident MiB", "%.1f", func(e *exporter) float64 { return e.rss })
	row("latency p50 ms", "%.2f", func(e *exporter) float64 { return ms(quantile(e.latency, 0.50)) })
	row("latency p99 ms", "%.2f", func(e *exporter) float64 { return ms(quantile(e.latency, 0.99)) })
	w.Flush()
	if len(floor.files) > 0 {
		fmt.Printf("\nfloor: %.3f ms of CPU to open, read and close the %d files that host_exporter reads once; host_exporter takes %.2f times that\n",
			ms(floor.cpu), len(floor.files), float64(a.total())/float64(floor.cpu))
		fmt.Printf("the same for the %d files that the peer reads: %.3f ms; host_exporter takes %.2f times that, the peer %.2f times\n",
			len(theirs.files), ms(theirs.cpu), float64(a.total())/float64(theirs.cpu), float64(b.total())/float64(theirs.cpu))
	}
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[int(q*float64(len(d)-1))]
}
