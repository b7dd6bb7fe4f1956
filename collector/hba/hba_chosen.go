package hba

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
)

// hbaChosen are the SCSI hosts that are looked after, by their numbers, which
// are part of the names of everything that hangs off them.
type hbaChosen struct {
	byNumber map[string]*scsihost.Host
}

// choose says which hosts these are now.
func (c *hbaChosen) choose(hosts []*scsihost.Host) {
	if c.byNumber == nil {
		c.byNumber = map[string]*scsihost.Host{}
	}
	clear(c.byNumber)
	for _, h := range hosts {
		c.byNumber[h.Name[len("host"):]] = h
	}
}

// of returns the host of a name such as phy-14:0:3 or 0:0:8:0; nil when it is
// not looked after.
func (c *hbaChosen) of(name string) *scsihost.Host {
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		name = name[i+1:]
	}
	number, _, _ := strings.Cut(name, ":")
	return c.byNumber[number]
}

// above returns the host that a link of a class leads through: the last one
// before the thing itself, as in
//
//	../../devices/platform/host6/session1/iscsi_session/session1
func (c *hbaChosen) above(link string) *scsihost.Host {
	for link != "" {
		i := strings.LastIndexByte(link, '/')
		if part := link[i+1:]; scsihost.IsName(part) {
			return c.byNumber[part[len("host"):]]
		}
		link = link[:max(i, 0)]
	}
	return nil
}
