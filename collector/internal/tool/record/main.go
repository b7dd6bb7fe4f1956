// Record prints a .host file of the live host, or of a tree below -root. Its
// arguments are patterns of paths, and names of collectors, which stand for the
// files that their data sheets list and, on the live host, for the answers of
// netlink and ethtool that they get. Addresses, names and serial numbers are
// replaced, as in a snapshot.
//
//	go run ./collector/internal/tool/record diskstats > testdata/storage/diskstats.host
//	go run ./collector/internal/tool/record -root /tmp/capture '/sys/class/net/*/mtu'
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func main() {
	root := flag.String("root", "", "folder of proc and sys; the live host's if empty")
	flag.Parse()
	var patterns []string
	var specs []collect.Spec
	for _, arg := range flag.Args() {
		if strings.HasPrefix(arg, "/") {
			patterns = append(patterns, arg)
			continue
		}
		for _, spec := range collector.Catalog() {
			if spec.Name == arg {
				patterns = append(patterns, spec.Reads...)
				specs = append(specs, spec)
			}
		}
	}
	if len(patterns)+len(specs) == 0 {
		fmt.Fprintln(os.Stderr, "record: want names of collectors, or absolute paths")
		os.Exit(2)
	}
	a, err := golden.Record(*root, patterns)
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
	if *root == "" {
		live := host.Live(host.Paths{Procfs: "/proc", Sysfs: "/sys", Rootfs: "/", UdevData: "/run/udev/data"})
		for _, spec := range specs {
			calls, err := golden.RecordCalls(live, spec)
			if err != nil {
				fmt.Fprintln(os.Stderr, "record:", err)
				os.Exit(1)
			}
			a.Entries = append(a.Entries, calls...)
		}
	}
	if err := snapshot.Redact(a); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
	os.Stdout.Write(a.Format())
}
