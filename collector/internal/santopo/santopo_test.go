package santopo

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const hbaCases = "../../../testdata/hba/"

func load(t testing.TB, names ...string) *Topology {
	t.Helper()
	var text []byte
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("../../../testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	topology, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

// TestRecordedHosts compares the paths of every recorded host with what the
// collector counts: paths by health, and the ports that the usable ones lead over.
func TestRecordedHosts(t *testing.T) {
	cases, err := filepath.Glob(hbaCases + "hba*.prom")
	if err != nil || len(cases) < 50 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	compared := 0
	for _, path := range cases {
		name := "hba/" + filepath.Base(path)
		b := load(t, name)
		counts := map[string]int{}
		targets := map[string][]string{}
		luns := map[string]*LUN{}
		for _, l := range b.LUNs {
			luns[l.ID] = l
			for _, p := range l.Paths {
				counts[l.ID+" "+p.Health]++
				if isUsable(p.Health) && p.Target != "" && !slices.Contains(targets[l.ID], p.Target) {
					targets[l.ID] = append(targets[l.ID], p.Target)
				}
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			family, labels, value := cutSample(line)
			l := luns[labels["device"]]
			switch family {
			case "node_hba_multipath_paths", "node_hba_nvme_paths":
				if l == nil && family == "node_hba_nvme_paths" && value == "0" {
					continue // a namespace without paths
				}
				if l == nil || len(l.Paths) == 0 || strings.Contains(name, "ghostpaths") {
					if l == nil {
						t.Errorf("%s: no LUN %s", name, labels["device"])
					}
					continue
				}
				if have := counts[l.ID+" "+labels["health"]]; fmt.Sprint(have) != value {
					t.Errorf("%s: %s: want %s paths that are %s, have %d", name, l.ID, value, labels["health"], have)
				}
				compared++
			case "node_hba_multipath_usable_components", "node_hba_nvme_usable_components":
				if l == nil || labels["component"] != "target_port" || len(l.Paths) == 0 {
					continue
				}
				if have := len(targets[l.ID]); fmt.Sprint(have) != value {
					t.Errorf("%s: %s: want %s usable target ports, have %d: %v", name, l.ID, value, have, targets[l.ID])
				}
				compared++
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d values to compare", compared)
	}
}

// cutSample parses a line of a golden file whose labels have no escapes.
func cutSample(line string) (family string, labels map[string]string, value string) {
	family, rest, ok := strings.Cut(line, "{")
	if !ok || strings.HasPrefix(line, "#") {
		return "", nil, ""
	}
	text, value, _ := strings.Cut(rest, "} ")
	labels = map[string]string{}
	for _, pair := range strings.Split(text, `",`) {
		name, v, _ := strings.Cut(pair, `="`)
		labels[name] = strings.TrimSuffix(v, `"`)
	}
	return family, labels, value
}

func TestPrintDebug(t *testing.T) {
	for _, n := range strings.Fields(os.Getenv("CASES")) {
		fmt.Println("=====", n)
		_ = load(t, strings.Split(n, "+")...).WriteTree(os.Stdout, "db1", TreeOptions{})
		_ = os.WriteFile("/tmp/sanpic-"+filepath.Base(n)+".svg", load(t, strings.Split(n, "+")...).AppendSVG(nil, true), 0o644)
	}
}
