package san

import (
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
)

// A Host is a SCSI host with its transport.
type Host struct {
	*scsihost.Host
	Transport Transport
}

// Hosts are the SCSI hosts of one scrape.
type Hosts struct {
	All      []*scsihost.Host
	Included []Host // by the options, and still there

	byNumber map[string]*Host // included
}

// Reset starts a scrape with all hosts, none of which is included.
func (hs *Hosts) Reset(all []*scsihost.Host) {
	if hs.byNumber == nil {
		hs.byNumber = map[string]*Host{}
	}
	clear(hs.byNumber)
	hs.All = all
	hs.Included = slices.Grow(hs.Included[:0], len(all)) // so that pointers into it stay valid
}

// Include includes one of the hosts.
func (hs *Hosts) Include(h *scsihost.Host, transport Transport) {
	hs.Included = append(hs.Included, Host{h, transport})
	hs.byNumber[number(h.Name)] = &hs.Included[len(hs.Included)-1]
}

// Named returns the host of a name, included or not; nil when there is none.
func (hs *Hosts) Named(name string) *scsihost.Host {
	for _, h := range hs.All {
		if h.Name == name {
			return h
		}
	}
	return nil
}

func number(host string) string { return host[len("host"):] }

// Of returns the included host of a name that has its number, such as
// phy-14:0:3, rport-14:0-2 or 14:0:8:0; nil when its host is not included.
func (hs *Hosts) Of(name string) *Host {
	number, _, _ := strings.Cut(name, ":")
	if i := strings.IndexByte(number, '-'); i >= 0 {
		number = number[i+1:]
	}
	return hs.byNumber[number]
}

// Above returns the included host that the link of a class leads through: the
// last one before the thing itself, as in
//
//	../../devices/platform/host6/session1/iscsi_session/session1
//
// It returns nil when that host is not included, or there is none.
func (hs *Hosts) Above(link string) *Host {
	for link != "" {
		i := strings.LastIndexByte(link, '/')
		if part := link[i+1:]; scsihost.IsName(part) {
			return hs.byNumber[number(part)]
		}
		link = link[:max(i, 0)]
	}
	return nil
}
