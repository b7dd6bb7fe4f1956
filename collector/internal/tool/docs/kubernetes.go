package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// kubernetes is the page of what each collector needs in a pod, by the keys of the
// chart in docs/charts.
func kubernetes(domains []domain) []byte {
	var b bytes.Buffer
	b.WriteString(notice + `# Collectors in a pod

For operators of clusters: what each collector needs of a pod, in the keys of the
[chart](kubernetes.md). Collectors that are in neither table need only /proc and /sys of the
node, which each pod has mounted. [Those of the network](collectors/network.md) need
` + "`hostNetwork`" + `, which is on by default, or they show the network of the pod.

## Mounts

The chart mounts the root of the node by default. With ` + "`hostRootFsMount.enabled: false`" + `
the other key in a row takes its place, if there is one.

| collector | default | needs |
|---|---|---|
`)
	for _, d := range domains {
		for _, s := range d.sheets {
			if keys := s.mounts(); len(keys) > 0 {
				fmt.Fprintf(&b, "| [%s](collectors/%s.md#%s) | %s | %s |\n", s.Name, d.name, s.Name, s.state(), strings.Join(keys, "; "))
			}
		}
	}
	b.WriteString(`
## Privileges

Without the key, the collector exports all that an ordinary user can read.

| collector | default | key | for |
|---|---|---|---|
`)
	for _, d := range domains {
		for _, s := range d.sheets {
			if len(s.Caps) > 0 {
				fmt.Fprintf(&b, "| [%s](collectors/%s.md#%s) | %s | %s | %s |\n", s.Name, d.name, s.Name, s.state(), strings.Join(s.privileges(), ", "), cell(s.added()))
			}
		}
	}
	return b.Bytes()
}

// mounts returns what a collector needs of a pod beside /proc and /sys.
func (s sheet) mounts() []string {
	const root = "`hostRootFsMount`"
	var keys []string
	add := func(key string) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if s.Name == "filesystem" || s.OpensMounts != "" { // statfs of the mounts themselves
		add(root)
	}
	if s.Name == "textfile" || s.Name == "check" {
		add("`extraHostVolumeMounts` for the files of the node")
	}
	for _, path := range slices.Concat(s.Reads, s.OptionalReads) {
		switch {
		case strings.HasPrefix(path, "/proc/"), strings.HasPrefix(path, "/sys/"), path == "/sys/block", path == "/dev/mapper/control":
		case strings.HasPrefix(path, "/run/dbus/"):
			add(root + " or `collectorsMounts.dbus`")
		case strings.HasPrefix(path, "/run/udev/"):
			add(root + " or `collectorsMounts.udev`")
		case strings.HasPrefix(path, "/run/multipathd"):
			add(root + " or `collectorsMounts.multipathd`")
		case strings.HasSuffix(path, "/os-release"):
			add(root + " or `collectorsMounts.osRelease`")
		case path == "/run/systemd/private": // as root, and the bus is the better way
		default:
			add(root)
		}
	}
	return keys
}

// privileges returns the keys of the chart that grant the capabilities of a collector.
func (s sheet) privileges() []string {
	if slices.Contains(s.Reads, "/dev/mapper/control") {
		return []string{"`collectorsMounts.devMapper`"} // privileged: it has them all
	}
	if slices.Contains(s.Caps, capability.Perfmon) {
		return []string{"`collectorsMounts.perf`"}
	}
	var keys []string
	for _, c := range s.Caps {
		if c == capability.DACReadSearch {
			keys = append(keys, "`collectorsMounts.readAll`")
		} else {
			keys = append(keys, "`capabilities: ["+strings.TrimPrefix(c.String(), "CAP_")+"]`")
		}
	}
	return keys
}

// added returns what a collector reads with its capabilities only.
func (s sheet) added() string {
	if s.Needs != "" {
		return s.Needs
	}
	return "Files and directories that only root may read."
}
