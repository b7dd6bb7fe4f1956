// Package netdev finds the network interface that a virtual one is on: the ways
// of a storage network over two VLANs of one network card end with that card. It
// knows nothing of storage.
package netdev

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

const class = "class/net"

// maxDepth is the maximum number of interfaces on top of one another. The kernel
// has a limit of 8.
const maxDepth = 8

// A Finder finds the interfaces below others. It is not for concurrent use.
type Finder struct {
	known map[string]*device
}

type device struct {
	listing host.Listing
	lower   string // the only interface that it is on
	used    bool   // since the last call of Begin
	listed  bool   // since then
}

// Reads returns the files that Below reads.
func Reads() []string { return []string{"/sys/class/net/*/lower_*"} }

// Begin starts a scrape: each interface is looked up at most once in it.
func (f *Finder) Begin() {
	for name, d := range f.known {
		if !d.used {
			delete(f.known, name)
		}
		d.used, d.listed = false, false
	}
}

// Below returns the interface at the bottom of one: that of the network card for a
// VLAN or a MACVLAN. It goes no further than a bond, a team or a bridge with
// several ports, which does not depend on any one of them.
func (f *Finder) Below(a attr.Reader, name string) string {
	for range maxDepth {
		lower := f.lower(a, name)
		if lower == "" {
			break
		}
		name = lower
	}
	return name
}

// lower returns the interface that another one is on, if it is the only one. The
// kernel has a link lower_NAME for each of them since Linux 3.14.
func (f *Finder) lower(a attr.Reader, name string) string {
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		return ""
	}
	d := f.known[name]
	if d == nil {
		if f.known == nil {
			f.known = map[string]*device{}
		}
		d = &device{}
		f.known[name] = d
	}
	d.used = true
	if d.listed {
		return d.lower
	}
	d.listed = true
	if a.List(&d.listing, class, name) {
		d.lower = onlyLower(d.listing.Entries)
	}
	return d.lower
}

func onlyLower(entries []host.DirEntry) (lower string) {
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name, "lower_"); ok {
			if lower != "" {
				return ""
			}
			lower = name
		}
	}
	return lower
}
