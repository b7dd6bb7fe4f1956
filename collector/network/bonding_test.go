package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/fault"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestBondingWithoutList has a list of bonds that cannot be read: that costs an
// error, and the bonds are found by their directories.
func TestBondingWithoutList(t *testing.T) {
	h := golden.Load(t, "../../testdata/network/bonding.host", t.TempDir())
	var faults fault.Files
	h.Sys = faults.Inject(h.Sys)
	set := metric.NewSet()
	c, err := newBonding(&collect.Env{Host: h, Metrics: set}, bondingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	read := func() (text string, errs []error) {
		out := metric.NewSink(set)
		out.Reset(metric.Text)
		if err := c.Update(t.Context(), out); err != nil {
			t.Error(err)
		}
		errs, _ = out.Errors()
		return string(out.AppendText(nil, nil, nil)), errs
	}
	want, errs := read()
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	faults.Set(h.Sys.Path("class/net/bonding_masters"), unix.EIO)
	have, errs := read()
	if have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	if len(errs) != 1 || !strings.Contains(fmt.Sprint(errs), "bonding_masters: input/output error") {
		t.Errorf("errors: %v", errs)
	}
}

// FuzzInterfaces checks that each word of a list is a name or an error.
func FuzzInterfaces(f *testing.F) {
	f.Add("bond0 bond1\n")
	f.Add("eth0 ++more++ \n")
	f.Add(". .. a/b \x00 veth0123456789abcdef")
	f.Fuzz(func(t *testing.T, text string) {
		l := parseInterfaces([]byte(text))
		for _, name := range l.names {
			if !isInterfaceName([]byte(name)) || !strings.Contains(text, name) {
				t.Errorf("%q has the name %q", text, name)
			}
		}
		if l.isCut != slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) }), "++more++") {
			t.Errorf("%q: cut is %v", text, l.isCut)
		}
	})
}
