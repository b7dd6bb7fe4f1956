package network

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestRecordCalls records recorded hosts again.
func TestRecordCalls(t *testing.T) {
	for file, spec := range map[string]collect.Spec{
		"ethtool.host": ethtool, "wifi.host": wifi, "tcpstat.host": tcpstat, "network_route.host": networkRoute, "qdisc.host": qdisc,
	} {
		h := golden.Load(t, filepath.Join(testdata, file), t.TempDir())
		calls, err := golden.RecordCalls(h, spec)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, e := range calls {
			have = append(have, e.Path)
			if e.Kind == golden.File && string(e.Data) != golden.Content(t, filepath.Join(testdata, file), e.Path) {
				t.Errorf("%s: %s differs", file, e.Path)
			}
		}
		if !slices.ContainsFunc(have, func(path string) bool { return strings.HasPrefix(path, "syscall/") }) {
			t.Errorf("%s: recorded %v", file, have)
		}
	}
}
