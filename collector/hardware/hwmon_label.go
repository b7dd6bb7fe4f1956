package hardware

import (
	"path"
	"slices"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A hwmonNewChip is a chip without a label.
type hwmonNewChip struct {
	chip      *hwmonChip
	preferred string // the label that it gets if no other chip has it
	name      string // name that its driver gives to it
}

// listChips returns the chips of the class. It keeps known chips with their
// labels, flights and readings.
func (c *hwmonCollector) listChips() []*hwmonChip {
	var chips []*hwmonChip
	var newChips []hwmonNewChip
	usedLabels := map[string]bool{}
	for _, entry := range c.class.Entries {
		i := slices.IndexFunc(c.chips, func(known *hwmonChip) bool { return known.entry == entry })
		if i >= 0 {
			chips = append(chips, c.chips[i])
			usedLabels[c.chips[i].label] = true
			continue
		}
		n := c.newChip(entry)
		chips = append(chips, n.chip)
		newChips = append(newChips, n)
	}
	assignLabels(newChips, usedLabels)
	for _, n := range newChips {
		chip := n.chip.label
		n.chip.excluded = c.options.chip.Ignores(chip)
		n.chip.probe.includes = func(sensor string) bool { return !c.options.sensor.Ignores(chip + ";" + sensor) }
	}
	return chips
}

// newChip returns the chip of an entry that is not known.
func (c *hwmonCollector) newChip(entry host.DirEntry) hwmonNewChip {
	chip := &hwmonChip{entry: entry}
	chip.probe.sys = c.host.Sys.Reader()
	chip.probe.now = c.host.Now
	var err error
	if chip.probe.dir, err = c.sys.Resolve(hwmonClass, entry.Name); err != nil {
		chip.probe.dir = path.Join("/", hwmonClass, entry.Name)
	}
	device, err := c.sys.Resolve(hwmonClass, entry.Name, "device")
	if err == nil && c.sys.Exists(device) {
		chip.probe.device = device
	}
	name := hwmonName(c.sys.String(chip.probe.dir, "name"))
	return hwmonNewChip{chip, hwmonChipLabel(chip.probe.device, name, chip.probe.dir), name}
}

// hwmonChipLabel returns the preferred label of a chip. The number in hwmon3
// depends on the order in which drivers were loaded, so that the label is made
// of the device and its directory: platform_coretemp_0, nvme_nvme1,
// pci0000:00_0000:00:18_3. The label of a chip without a device is the name
// that the driver gives to it.
func hwmonChipLabel(device, name, dir string) string {
	if device != "" {
		kind, base := hwmonName(path.Base(path.Dir(device))), hwmonName(path.Base(device))
		switch {
		case base != "" && kind != "":
			return kind + "_" + base
		case base != "":
			return base
		}
	}
	if name != "" {
		return name
	}
	return hwmonName(path.Base(dir))
}

// assignLabels gives each new chip a unique label. Two chips of one device, or
// without a device, may prefer the same label: the first one by path, name and
// number gets it, and the label of the other is extended by its name, or by a
// count. Known chips keep their labels.
func assignLabels(chips []hwmonNewChip, usedLabels map[string]bool) {
	order := slices.Clone(chips)
	slices.SortStableFunc(order, func(a, b hwmonNewChip) int {
		if c := host.CompareNatural(path.Dir(a.chip.probe.dir), path.Dir(b.chip.probe.dir)); c != 0 {
			return c
		}
		return host.CompareNatural(a.name, b.name)
	})
	give := func(n hwmonNewChip, label string) {
		if n.chip.label == "" && !usedLabels[label] {
			n.chip.label, usedLabels[label] = label, true
		}
	}
	for _, n := range order {
		give(n, n.preferred)
	}
	for _, n := range order {
		if n.name != "" && n.name != n.preferred {
			give(n, n.preferred+"_"+n.name)
		}
		for count := 2; n.chip.label == ""; count++ {
			give(n, n.preferred+"_"+strconv.Itoa(count))
		}
	}
}
