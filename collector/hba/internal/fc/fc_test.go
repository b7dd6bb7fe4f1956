package fc

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestBandwidth(t *testing.T) {
	for gbit, want := range map[float64]float64{8: 800e6, 16: 1600e6, 32: 3200e6, 64: 6400e6, 10: 1250e6, 25: 3125e6, 100: 12500e6} {
		if got := bandwidth(gbit * 1e9); got != want {
			t.Errorf("%v Gbit carry %v bytes per second, want %v", gbit, got, want)
		}
	}
}

// TestWay returns the far end of the way over a remote port, before the finder
// has read the port and after.
func TestWay(t *testing.T) {
	for word, want := range map[string]san.WayState{
		"Online": san.Open, "Marginal": san.Marginal, "Blocked": san.Blocked, "Not Present": san.Blocked, "Deleted": san.Blocked, "Unknown": san.Blocked, "": san.Open,
	} {
		f := newFabric(t)
		f.target("rport-3:0-1")
		f.put("rport-3:0-1", "port_state", word)
		p := New(metric.NewSet())
		for range 2 {
			if w := p.Way(f.Reader, "rport-3:0-1"); w.TargetPort != "50060e8012345600" || w.State != want && word != "" {
				t.Errorf("%q: %+v", word, w)
			}
			p.finder.find(f.Reader)
			p.finder.read(f.Reader, p.finder.byName["rport-3:0-1"], false)
		}
	}
	f := newFabric(t)
	f.put("rport-3:0-1", "port_state", "online?")
	if New(metric.NewSet()).Way(f.Reader, "rport-3:0-1"); f.ErrorCount() != 1 {
		t.Errorf("%d errors about an unknown word", f.ErrorCount())
	}
}

// TestRoute finds a target, and a port that is not known to be one.
func TestRoute(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	f.put("rport-3:0-2", "port_state", "Online", "port_name", "0x50060e8012345699")
	var hosts san.Hosts
	h := &scsihost.Host{Name: "host3", Physical: "host3"}
	hosts.Reset([]*scsihost.Host{h})
	hosts.Include(h, san.FC)
	f.put("../fc_host/host3", "port_name", "0x10000090fa000001", "fabric_name", "0x100050eb1a000001", "port_state", "Online", "port_id", "0x010300")
	set := metric.NewSet()
	p := New(set)
	a := attr.Reader{Sys: f.Sys, Out: metric.NewSink(set)}
	p.Update(a, &hosts, func(attr.Reader, string) map[string]int { return nil })
	for target, want := range map[string]string{"50060e8012345600": "rport-3:0-1", "50060e8012345699": "rport-3:0-2", "1": "", "": ""} {
		fcHost, fabric, rport := p.Route(a, "10000090fa000001", target)
		if fcHost != "host3" || fabric != "100050eb1a000001" || rport != want {
			t.Errorf("to %q: %s, %s, %s", target, fcHost, fabric, rport)
		}
	}
	if fcHost, fabric, rport := p.Route(a, "", ""); fcHost+fabric+rport != "" {
		t.Errorf("a route from nowhere: %s, %s, %s", fcHost, fabric, rport)
	}
}
