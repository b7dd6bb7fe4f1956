package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/lun"
	"github.com/hostexporter/host_exporter/collector/hba/internal/rport"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
)

// pathDevice returns the SCSI device that a path of a map is, with its host;
// nil for what is none.
//
// A path is told of in full even where its host is left out by host-exclude: a
// map is as redundant as all of its paths make it, and one that seemed to hang
// on a single port because another is not looked after would raise a false
// alarm. It costs two files of memory for each such path, and two for its host.
func (s *hbaSAN) pathDevice(a attr.Reader, name string) (*lun.LUN, *sanHost) {
	l := s.finder.Device(name)
	if l == nil {
		return nil, nil
	}
	if h := s.hosts[l.Host]; h != nil {
		return l, h
	}
	h := s.outsider(a, l.Host)
	if h == nil {
		return nil, nil
	}
	s.finder.Locate(l, a.Out.Error)
	if !s.finder.Refresh(l, lun.Health, a.Out.Error) {
		return nil, nil
	}
	return l, h
}

// outsider returns a host that is not looked after; nil when it is not there.
func (s *hbaSAN) outsider(a attr.Reader, name string) *sanHost {
	if h, ok := s.outside[name]; ok {
		return h
	}
	var found *sanHost
	for _, h := range s.all {
		if h.Name == name {
			transport := hbaSCSI // or whatever: only Fibre Channel differs
			if a.Sys.Exists(scsihost.FC, name) {
				transport = hbaFC
			}
			found = s.host(h, transport, func(host, file string) string { return a.WWN(scsihost.FC, host, file) })
		}
	}
	s.outside[name] = found
	return found
}

// seenWay takes over what was read of a remote port for its own sake. It
// reports false for one that was not: its host is not looked after.
func (s *hbaSAN) seenWay(w *sanWay, name string) bool {
	p := s.rports.Fresh(name)
	if p == nil || p.PortName == "" {
		return false
	}
	w.name, w.state = p.PortName, wayOpen
	switch {
	case !p.StateKnown || p.State == rport.Online:
	case p.State == rport.Marginal:
		w.state = wayMarginal
	default:
		w.state = wayBlocked
	}
	return true
}
