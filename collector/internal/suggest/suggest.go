// Package suggest makes expectations of a host from one scrape of it: what the
// host has now, for a human to correct. It knows families by name, and nothing
// of how they are read.
package suggest

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// An Expectation is a suggestion, in the language of package expect.
type Expectation struct {
	Name       string
	Expression string
	Comment    string // what a human should know or decide
}

// YAML returns expectations as a part of a configuration file.
func YAML(list []Expectation) []byte {
	var b strings.Builder
	b.WriteString("# What this host has now. Correct it: remove what may vanish, and complete what is\n" +
		"# missing at this moment.\n")
	if len(list) == 0 {
		return []byte(b.String() + "expect: {}\n")
	}
	b.WriteString("expect:\n")
	for _, x := range list {
		for line := range strings.Lines(x.Comment) {
			b.WriteString("  # " + strings.TrimRight(line, "\n") + "\n")
		}
		fmt.Fprintf(&b, "  %s: %s\n", x.Name, yamltext.String(x.Expression))
	}
	return []byte(b.String())
}

// Suggest returns expectations that hold for a host with the given samples.
func Suggest(families []*dto.MetricFamily) []Expectation {
	h := newSamples(families)
	return slices.Concat(fcPorts(h), remotePorts(h), multipathMaps(h), sessions(h), nvmeControllers(h), arrays(h), pools(h), bonds(h), interfaces(h), mounts(h))
}

// samples are the samples of a scrape by family.
type samples map[string][]sample

type sample struct {
	labels map[string]string
	value  float64
}

func newSamples(families []*dto.MetricFamily) samples {
	all := samples{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			s := sample{labels: map[string]string{}, value: m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()}
			for _, l := range m.GetLabel() {
				s.labels[l.GetName()] = l.GetValue()
			}
			all[f.GetName()] = append(all[f.GetName()], s)
		}
	}
	return all
}

// with returns the samples of a family that have some labels, given as name and
// value in turn.
func (h samples) with(family string, labels ...string) []sample {
	var some []sample
next:
	for _, s := range h[family] {
		for i := 0; i < len(labels); i += 2 {
			if s.labels[labels[i]] != labels[i+1] {
				continue next
			}
		}
		some = append(some, s)
	}
	return some
}

// values returns the values of a label of some samples, each once, sorted.
func values(some []sample, label string) []string {
	set := map[string]bool{}
	for _, s := range some {
		if v := s.labels[label]; v != "" {
			set[v] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// current returns the samples of a state set that are 1.
func current(some []sample) []sample {
	return slices.DeleteFunc(some, func(s sample) bool { return s.value != 1 })
}

func forEach(label string, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return " for each " + label + " in (" + strings.Join(quoted, ", ") + ")"
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func fcPorts(h samples) []Expectation {
	var all []Expectation
	ports := h["node_hba_fc_port_state"]
	online := values(current(h.with("node_hba_fc_port_state", "state", "online")), "port_name")
	if len(online) == 0 {
		return nil
	}
	comment := ""
	if n := len(values(ports, "port_name")); n > len(online) {
		comment = fmt.Sprintf("%d of %d ports are not online now.", n-len(online), n)
	}
	all = append(all, Expectation{"fc-ports", `node_hba_fc_port_state{state="online"} == 1` + forEach("port_name", online), comment})
	if speeds := h["node_hba_fc_port_speed_bits_per_second"]; len(speeds) > 0 {
		slowest := slices.MinFunc(speeds, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
		all = append(all, Expectation{"fc-speed", fmt.Sprintf("count(node_hba_fc_port_speed_bits_per_second >= %s) >= %d", number(slowest.value), len(speeds)), ""})
	}
	return all
}

func remotePorts(h samples) []Expectation {
	online := current(h.with("node_hba_fc_remote_port_state", "state", "online"))
	if len(online) == 0 {
		return nil
	}
	comment := ""
	if n := len(values(h["node_hba_fc_remote_port_state"], "rport")); n > len(online) {
		comment = fmt.Sprintf("%d of %d target ports are not online now.", n-len(online), n)
	}
	return []Expectation{{"fc-target-ports", fmt.Sprintf(`count(node_hba_fc_remote_port_state{state="online"} == 1) >= %d`, len(online)), comment}}
}

// usable matches the health of paths that take I/O.
const usable = "optimized|non_optimized|marginal"

func multipathMaps(h samples) []Expectation {
	paths := map[string]float64{} // usable ones by map
	for _, s := range h["node_hba_multipath_paths"] {
		paths[s.labels["device"]] += 0
		if regexp.MustCompile("^(" + usable + ")$").MatchString(s.labels["health"]) {
			paths[s.labels["device"]] += s.value
		}
	}
	var all []Expectation
	for _, n := range slices.Sorted(maps.Values(paths)) {
		if len(all) > 0 && all[len(all)-1].Name == fmt.Sprintf("multipath-%v-paths", n) {
			continue
		}
		var devices []string
		for device, have := range paths {
			if have == n {
				devices = append(devices, device)
			}
		}
		slices.Sort(devices)
		x := Expectation{fmt.Sprintf("multipath-%v-paths", n), fmt.Sprintf(`sum(node_hba_multipath_paths{health=~"%s"}) >= %v`, usable, n) + forEach("device", devices), ""}
		switch n {
		case 0:
			continue // nothing to expect: every path is down
		case 1:
			x.Comment = "One path: is there to be another?"
		}
		all = append(all, x)
	}
	for _, component := range []string{"initiator_port", "target_port", "fabric", "adapter"} {
		var redundant, single []string
		for _, s := range h.with("node_hba_multipath_usable_components", "component", component) {
			if s.value >= 2 {
				redundant = append(redundant, s.labels["device"])
			} else {
				single = append(single, s.labels["device"])
			}
		}
		if len(redundant) == 0 {
			continue
		}
		slices.Sort(redundant)
		x := Expectation{"multipath-" + strings.ReplaceAll(component, "_", "-"), fmt.Sprintf(`node_hba_multipath_usable_components{component="%s"} >= 2`, component) + forEach("device", redundant), ""}
		if len(single) > 0 {
			x.Comment = fmt.Sprintf("Maps that depend on one %s now: %s.", strings.ReplaceAll(component, "_", " "), strings.Join(slices.Sorted(slices.Values(single)), ", "))
		}
		all = append(all, x)
	}
	return all
}

func sessions(h samples) []Expectation {
	loggedIn := current(h.with("node_hba_iscsi_session_state", "state", "logged_in"))
	if len(loggedIn) == 0 {
		return nil
	}
	comment := ""
	if n := len(values(h["node_hba_iscsi_session_state"], "session")); n > len(loggedIn) {
		comment = fmt.Sprintf("%d of %d sessions are not logged in now.", n-len(loggedIn), n)
	}
	return []Expectation{{"iscsi-sessions", fmt.Sprintf(`count(node_hba_iscsi_session_state{state="logged_in"} == 1) >= %d`, len(loggedIn)), comment}}
}

func nvmeControllers(h samples) []Expectation {
	live := current(h.with("node_hba_nvme_controller_state", "state", "live"))
	if len(live) == 0 {
		return nil
	}
	return []Expectation{{"nvme-controllers", fmt.Sprintf(`count(node_hba_nvme_controller_state{state="live"} == 1) >= %d`, len(live)), ""}}
}

func arrays(h samples) []Expectation {
	var all []Expectation
	for _, s := range h["node_md_disks_required"] {
		device := s.labels["device"]
		if s.value == 0 {
			continue // of an array without redundancy, or an inactive one
		}
		x := Expectation{"md-" + device, fmt.Sprintf(`node_md_disks{device="%s",state="active"} >= %s`, device, number(s.value)), ""}
		for _, active := range h.with("node_md_disks", "device", device, "state", "active") {
			if active.value < s.value {
				x.Comment = fmt.Sprintf("Degraded now: %s of %s members are active.", number(active.value), number(s.value))
			}
		}
		all = append(all, x)
	}
	return all
}

func pools(h samples) []Expectation {
	online := values(current(h.with("node_zfs_zpool_state", "state", "online")), "zpool")
	if len(online) == 0 {
		return nil
	}
	return []Expectation{{"zfs-pools", `node_zfs_zpool_state{state="online"} == 1` + forEach("zpool", online), ""}}
}

func bonds(h samples) []Expectation {
	var all []Expectation
	for _, s := range h["node_bonding_slaves"] {
		master := s.labels["master"]
		x := Expectation{"bond-" + master, fmt.Sprintf(`node_bonding_active{master="%s"} >= %s`, master, number(s.value)), ""}
		for _, active := range h.with("node_bonding_active", "master", master) {
			if active.value < s.value {
				x.Comment = fmt.Sprintf("Degraded now: %s of %s members are up.", number(active.value), number(s.value))
			}
		}
		all = append(all, x)
	}
	return all
}

// temporary matches interfaces that come and go with containers and machines.
var temporary = regexp.MustCompile(`^(lo|veth.*|docker.*|br-.*|virbr.*|vnet.*|cali.*|cni.*|flannel.*|lxc.*|tap.*|tun.*|dummy.*|nodelocaldns|kube-.*)$`)

func interfaces(h samples) []Expectation {
	var up []string
	for _, s := range h["node_network_up"] {
		if device := s.labels["device"]; s.value == 1 && !temporary.MatchString(device) {
			up = append(up, device)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return []Expectation{{"interfaces", "node_network_up == 1" + forEach("device", up), ""}}
}

// volatile are file systems in memory, which come and go.
var volatile = regexp.MustCompile(`^(tmpfs|ramfs|overlay|aufs|fuse\..*)$`)

func mounts(h samples) []Expectation {
	var points []string
	for _, s := range h["node_filesystem_size_bytes"] {
		if !volatile.MatchString(s.labels["fstype"]) {
			points = append(points, s.labels["mountpoint"])
		}
	}
	if len(points) == 0 {
		return nil
	}
	slices.Sort(points)
	return []Expectation{{"mounts", "node_filesystem_size_bytes" + forEach("mountpoint", slices.Compact(points)), ""}}
}
