package network

import (
	"slices"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestLACPMode(t *testing.T) {
	for file, want := range map[string]string{
		"Bonding Mode: IEEE 802.3ad Dynamic link aggregation\n": "LACP",
		"Bonding Mode: fault-tolerance (active-backup)\n":       "other",
		"Bonding Mode: \n":              "other",
		"Aggregator ID: 1\n":            "error",
		"":                              "error",
		"Bonding Mode 802.3ad\n802.3ad": "error",
	} {
		var l lacpBond
		have := "other"
		if isLACP, err := l.parse([]byte(file), func(err error) { t.Error(err) }); err != nil {
			have = "error"
		} else if isLACP {
			have = "LACP"
		}
		if have != want {
			t.Errorf("%q is %s, want %s", file, have, want)
		}
	}
}

// TestLACPParts checks that keys count only in their part of the file, and that
// the lines of an interface without a name belong to no other.
func TestLACPParts(t *testing.T) {
	var l lacpBond
	var errs []error
	isLACP, err := l.parse([]byte(`Bonding Mode: IEEE 802.3ad Dynamic link aggregation
Aggregator ID: 11
port key: 12
Active Aggregator Info:
	Aggregator ID: 1
	port key: 13

Slave Interface: eno1
Aggregator ID: 2
port key: 14
Slave Interface: eno1
Aggregator ID: 3
details actor lacp pdu:
    Aggregator ID: 4
    oper key: 15
    port key: 16
details partner lacp pdu:
    port key: 17
    oper key: 18
Slave Interface: eno2
Aggregator ID: 5
`), func(err error) { errs = append(errs, err) })
	if !isLACP || err != nil || len(errs) != 1 || !strings.Contains(errs[0].Error(), ":11: want the name of another interface") {
		t.Fatalf("%v, %v, %v", isLACP, err, errs)
	}
	var have []uint64
	have = append(have, l.active.id.value)
	for _, s := range l.slaves {
		have = append(have, s.aggregator.value, s.ends[actor].key.value, s.ends[partner].key.value)
	}
	if want := []uint64{1, 2, 0, 0, 5, 0, 0}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

// FuzzLACP checks that no lines cause a panic or a duplicate sample.
func FuzzLACP(f *testing.F) {
	f.Add(golden.Content(f, testdata+"/bonding.lacp.host", "proc/net/bonding/bond0"))
	f.Add("Bonding Mode: IEEE 802.3ad\nSlave Interface: a\nSlave Interface: a\nAggregator ID: 1\n")
	f.Add("Bonding Mode: IEEE 802.3ad\ndetails actor lacp pdu:\nport key: 1\n")
	f.Fuzz(func(t *testing.T, file string) {
		b := golden.NewWorkbench(t, bonding.Build, map[string][]string{"lacp": {"true"}})
		b.Sys("class/net/bonding_masters", "bond0\n")
		b.Sys("class/net/bond0/bonding/slaves", "\n")
		b.Proc("net/bonding/bond0", file)
		b.Update()
	})
}
