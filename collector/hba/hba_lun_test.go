package hba

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/hba/internal/rport"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestWays(t *testing.T) {
	for word, want := range map[string]wayState{"Online": wayOpen, "Marginal": wayMarginal, "Blocked": wayBlocked, "Not Present": wayBlocked, "Deleted": wayBlocked} {
		if got, ok := rportWay([]byte(word)); !ok || got != want {
			t.Errorf("a remote port that is %q: %v, %v", word, got, ok)
		}
	}
	for word, want := range map[string]wayState{"LOGGED_IN": wayOpen, "FAILED": wayBlocked, "FREE": wayBlocked} {
		if got, ok := sessionWay([]byte(word)); !ok || got != want {
			t.Errorf("a session that is %q: %v, %v", word, got, ok)
		}
	}
	for _, parse := range []func([]byte) (wayState, bool){rportWay, sessionWay} {
		if _, ok := parse([]byte("online?")); ok {
			t.Error("a word that nobody knows is taken for a state")
		}
	}
	for name, want := range map[string]bool{"iqn.2003-01.org.example:a": true, "naa.52004567ba64678d": true, "two words": false, "\x01": false} {
		if got, ok := targetName([]byte(name)); ok != want || ok && got != name {
			t.Errorf("targetName(%q) = %q, %v", name, got, ok)
		}
	}
}

// TestSeenWays takes the state of a way from what was read of its remote port.
func TestSeenWays(t *testing.T) {
	root := t.TempDir()
	for i, c := range []struct {
		word string
		want wayState
	}{{"Online", wayOpen}, {"Marginal", wayMarginal}, {"Blocked", wayBlocked}, {"Not Present", wayBlocked}, {"Deleted", wayBlocked}, {"Unknown", wayBlocked}} {
		name := fmt.Sprintf("rport-3:0-%d", i)
		for file, content := range map[string]string{"port_state": c.word, "port_name": "0x500a098100000001", "roles": "FCP Target", "scsi_target_id": "0"} {
			put(t, root, "class/fc_remote_ports/"+name+"/"+file, content)
		}
		s := hbaSAN{rports: rport.NewFinder(host.NewTree(root).Reader())}
		var w sanWay
		if s.seenWay(&w, name) {
			t.Errorf("%s is known before it is read", name)
		}
		if err := s.rports.Find(func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
		s.rports.Read(s.rports.Port(name), false, func(error) {})
		if !s.seenWay(&w, name) || w.state != c.want || w.name != "500a098100000001" {
			t.Errorf("%s: %+v", c.word, w)
		}
	}
}

func TestCNumber(t *testing.T) {
	for in, want := range map[string]uint64{"0x1f": 31, "31": 31, "0": 0} {
		if v, ok := cNumber([]byte(in)); !ok || v != want {
			t.Errorf("cNumber(%q) = %v, %v", in, v, ok)
		}
	}
	for _, in := range []string{"", "0x", "1f", "-1"} {
		if v, ok := cNumber([]byte(in)); ok {
			t.Errorf("cNumber(%q) = %v", in, v)
		}
	}
}

// TestTroubleIsToldForAWhile follows a device beyond max-luns that has one
// error.
func TestTroubleIsToldForAWhile(t *testing.T) {
	root := sanTree(t, 3, 1)
	now := time.Unix(1e9, 0)
	set := metric.NewSet()
	out := metric.NewSink(set)
	h := &host.Host{Sys: host.NewTree(root).Attributes(), Now: func() time.Time { return now }}
	built, err := Collectors()[1].Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()},
		map[string][]string{"statistics": {"none"}, "max-luns": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	c := built.(*hbaCollector)
	omitted := func(want int) {
		t.Helper()
		out.Reset(metric.Text)
		if err := c.Update(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		if got := c.san.hosts["host0"].omitted; got != want {
			t.Errorf("%d devices are left out, want %d", got, want)
		}
	}
	omitted(2)
	put(t, root, "class/scsi_device/0:0:0:2/device/iotmo_cnt", "0x1")
	omitted(1)
	now = now.Add(trouble)
	omitted(1)
	now = now.Add(time.Second)
	omitted(2)
}
