// Sidebyside compares the cost of a scrape of host_exporter with that of a peer.
// Both run on this host with the same collectors, and are scraped in turns as
// Prometheus does it.
//
//	go run ./collector/internal/tool/sidebyside -peer /usr/bin/prometheus-node-exporter
//
// It prints the samples of each, the user and system CPU time per scrape, the
// system calls (where strace is installed), the resident memory and the latency.
// It also prints the floor: the CPU time of opening, reading and closing the same
// files once with bare system calls. With -max-ratio and its kind it
// fails if a figure is higher.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector"
)

func main() {
	peer := flag.String("peer", "/usr/bin/prometheus-node-exporter", "path of the peer's binary")
	scrapes := flag.Int("scrapes", 300, "number of scrapes of each to measure")
	collectors := flag.String("collectors", "", "comma-separated collectors to enable (default: those that both have on by default)")
	maxRatio := flag.Float64("max-ratio", 0, "maximum CPU time per scrape, as a part of the peer's; 0 for none")
	maxFloor := flag.Float64("max-floor", 0, "maximum CPU time per scrape, as a multiple of the floor; 0 for none")
	maxRSS := flag.Float64("max-rss", 0, "maximum resident memory in MiB; 0 for none")
	maxPrivate := flag.Float64("max-private", 0, "maximum private memory (RssAnon) in MiB; 0 for none")
	maxResidentRatio := flag.Float64("max-resident-ratio", 0, "maximum resident memory, as a part of the peer's; 0 for none")
	encoding := flag.String("encoding", "gzip", "encoding that the client accepts: gzip, zstd or identity")
	flag.Parse()
	if err := run(*peer, *encoding, *scrapes, *collectors, maximums{*maxRatio, *maxFloor, *maxRSS, *maxPrivate, *maxResidentRatio}); err != nil {
		fmt.Fprintln(os.Stderr, "sidebyside:", err)
		os.Exit(1)
	}
}

// maximums are the figures above which the run fails; 0 for none.
type maximums struct{ ratio, floor, rss, private, residentRatio float64 }

func run(peer, encoding string, scrapes int, list string, maximum maximums) error {
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
		if both[i], err = start(binary, encoding, flags); err != nil {
			return err
		}
		defer both[i].stop()
	}
	fmt.Printf("%d collectors: %s\n%d scrapes of each in turns, %s, Linux %s, %d CPUs, %s\n\n",
		len(names), strings.Join(names, " "), scrapes, encoding, release(), runtime.NumCPU(), runtime.Version())

	for _, e := range both {
		for range 20 { // caches, buffers, heap
			if _, err := e.scrape(); err != nil {
				return err
			}
		}
	}
	for i, binary := range []string{ours, peer} {
		// In a process of its own: tracing changes what is measured later.
		traced, err := start(binary, encoding, flags)
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
		// In turns: caches are as cold for the floor as for the exporters.
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
		e.total = (after.total - e.before.total) / time.Duration(scrapes)
		e.rss, e.private = e.memoryMiB("VmRSS"), e.memoryMiB("RssAnon")
	}
	floor.cpu /= time.Duration(scrapes)
	theirs.cpu /= time.Duration(scrapes)
	print(both, floor, theirs)

	ratio := float64(both[0].total) / float64(both[1].total)
	overFloor := float64(both[0].total) / float64(floor.cpu)
	var exceeded []error
	check := func(have, maximum float64, format string) {
		if maximum > 0 && have > maximum {
			exceeded = append(exceeded, fmt.Errorf(format, have, maximum))
		}
	}
	check(ratio, maximum.ratio, "CPU per scrape is %.2f of the peer's, want at most %.2f")
	if len(floor.files) > 0 {
		check(overFloor, maximum.floor, "CPU per scrape is %.2f times the floor, want at most %.2f")
	}
	check(both[0].rss, maximum.rss, "resident memory is %.1f MiB, want at most %.1f")
	check(both[0].private, maximum.private, "private memory is %.1f MiB, want at most %.1f")
	check(both[0].rss/both[1].rss, maximum.residentRatio, "resident memory is %.2f of the peer's, want at most %.2f")
	return errors.Join(exceeded...)
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
		if !spec.DisabledByDefault && slices.ContainsFunc(theirs, func(m []string) bool { return m[1] == spec.Name }) {
			names = append(names, spec.Name)
		}
	}
	return names, nil
}

var openCall = regexp.MustCompile(`open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", O_RDONLY[^)]*\)\s+= \d`)
