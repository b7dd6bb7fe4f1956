// Package snapshot records what collectors read of a host, and replays it: files and
// folders with their errors, and the answers of system calls, of netlink and of local
// services. A recorded host is one text file, an [Archive], which tests use as well. The
// package knows no collector; it knows the formats of the kernel only as far as they
// hold names and addresses, see [Redact].
package snapshot

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Machine is what the settings of an archive say about a host.
type Machine struct {
	Clock    time.Time
	Arch     string // as in GOARCH
	PageSize int    // bytes
	Timeout  time.Duration
}

// Machine returns the machine of an archive, or an error if a setting is malformed.
func (a *Archive) Machine() (Machine, error) {
	m := Machine{Clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Arch: "amd64", PageSize: 4096}
	for _, s := range a.Settings {
		var err error
		switch s.Key {
		case "clock":
			m.Clock, err = time.Parse(time.RFC3339Nano, s.Value)
		case "arch":
			m.Arch = s.Value
		case "page-size":
			m.PageSize, err = strconv.Atoi(s.Value)
			if err == nil && m.PageSize < 1 {
				err = fmt.Errorf("want a number of bytes, have %s", s.Value)
			}
		case "timeout":
			m.Timeout, err = time.ParseDuration(s.Value)
		}
		if err != nil {
			return m, fmt.Errorf("%s: %w", s.Key, err)
		}
	}
	return m, nil
}

// Options returns the options of a collector in an archive: "option NAME", which an
// archive of one collector has, and "option COLLECTOR/NAME".
func (a *Archive) Options(collector string) map[string][]string {
	options := map[string][]string{}
	for _, s := range a.Settings {
		name, ok := strings.CutPrefix(s.Key, "option ")
		if !ok {
			continue
		}
		if of, rest, ok := strings.Cut(name, "/"); ok {
			if of != collector {
				continue
			}
			name = rest
		}
		options[name] = append(options[name], s.Value)
	}
	return options
}

// Collectors returns the names of the collectors that were enabled when a host was
// recorded, or nil if the archive does not say.
func (a *Archive) Collectors() []string { return strings.Fields(a.Setting("collectors")) }

// Replay returns a host that reads an archive, at its first moment. The files are in
// memory: nothing of this machine is read.
func Replay(a *Archive) (*host.Host, error) {
	m, err := a.Machine()
	if err != nil {
		return nil, err
	}
	f := newFiles(a, m.Clock)
	h := f.host(m)
	Answer(h, a, f)
	return h, nil
}

// host returns a host with the files.
func (f *files) host(m Machine) *host.Host {
	tree := func(root string) host.Tree { return host.NewTree(root).From(f) }
	return &host.Host{
		Proc: tree("/proc"), Sys: tree("/sys").Attributes(), Root: tree("/"), Udev: tree("/run/udev/data"), Files: tree(""),
		Arch: m.Arch, PageSize: m.PageSize, Ticks: 100,
		Now: func() time.Time { return m.Clock },
	}
}
