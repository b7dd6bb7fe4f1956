package hardware

import (
	"path"
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// listChips lists the chips of the class, with their labels. It keeps known chips
// with their flights and readings. A chip whose label cannot be read is left out and
// the others keep theirs: a wrong one would be another series.
func (c *hwmonCollector) listChips(out *metric.Sink) {
	var chips []*hwmonChip
	c.chipsKnown = true
	for _, entry := range c.class.Entries {
		i := slices.IndexFunc(c.chips, func(known *hwmonChip) bool { return known.entry == entry })
		if i >= 0 {
			chips = append(chips, c.chips[i])
			continue
		}
		chip, err := c.newChip(entry)
		if err != nil {
			out.Error(err)
			c.chipsKnown = false
			continue
		}
		chips = append(chips, chip)
	}
	for i, label := range uniqueHwmonLabels(chips) {
		if c.chipsKnown || chips[i].label == "" {
			c.setLabel(chips[i], label)
		}
	}
	c.chips = chips
}

// setLabel sets the label of a chip, and which of its sensors are read. The run
// in progress keeps the label that it began with.
func (c *hwmonCollector) setLabel(chip *hwmonChip, label string) {
	if chip.label == label {
		return
	}
	chip.label = label
	chip.excluded = c.options.chip.Ignores(label)
	includes := func(sensor string) bool { return !c.options.sensor.Ignores(label + ";" + sensor) }
	chip.read = func() (*hwmonReading, error) { return chip.probe.read(label, includes) }
}

// newChip returns the chip of an entry that is not known.
func (c *hwmonCollector) newChip(entry host.DirEntry) (*hwmonChip, error) {
	chip := &hwmonChip{entry: entry, flight: flight.Flight[*hwmonReading]{Source: c.calls}}
	chip.probe.sys = c.host.Sys.Reader()
	chip.probe.now = c.host.Now
	var err error
	if chip.probe.dir, err = c.sys.Resolve(hwmonClass, entry.Name); host.Gone(err) {
		chip.probe.dir = path.Join("/", hwmonClass, entry.Name)
	} else if err != nil {
		return nil, err
	}
	device, err := c.sys.Resolve(hwmonClass, entry.Name, "device")
	switch {
	case err != nil && !host.Gone(err):
		return nil, err
	case err == nil && c.sys.Exists(device):
		chip.probe.device = device
	}
	name, err := c.sys.Text(chip.probe.dir, "name")
	if err != nil && !host.Gone(err) && chip.probe.device == "" { // otherwise the run reports it
		return nil, err
	}
	chip.name = hwmonName(string(name))
	chip.base = hwmonChipBase(chip.probe.device, chip.name, chip.probe.dir)
	return chip, nil
}

// hwmonChipBase returns the label of a chip if no other chip has it. The number
// in hwmon3 depends on the order in which drivers were loaded, so that the label
// is made of the device and its directory: platform_coretemp_0, nvme_nvme1,
// pci0000:00_0000:00:18_3. The label of a chip without a device is the name
// that the driver gives to it.
func hwmonChipBase(device, name, dir string) string {
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

// uniqueHwmonLabels returns the labels of chips. Chips whose base is the same,
// such as two of one device, all have it extended by their names; those of them
// without a name, or with the same one, by their directories, such as hwmon3.
// The labels do not depend on which chip was found first.
func uniqueHwmonLabels(chips []*hwmonChip) []string {
	labels := make([]string, len(chips))
	extensions := make([]hwmonExtension, len(chips))
	for i, chip := range chips {
		labels[i] = chip.base
	}
	for {
		// Of chips that have the same label, those with the longest extension
		// get a longer one.
		uses, longest := map[string]int{}, map[string]hwmonExtension{}
		for i, label := range labels {
			uses[label]++
			if extensions[i] < hwmonDirExtension {
				longest[label] = max(longest[label], extensions[i])
			}
		}
		isUnique := true
		for i, chip := range chips {
			if uses[labels[i]] == 1 || extensions[i] == hwmonDirExtension || extensions[i] < longest[labels[i]] {
				continue
			}
			isUnique = false
			extensions[i]++
			if chip.name == "" {
				extensions[i] = hwmonDirExtension
			}
			if extensions[i] == hwmonNameExtension {
				labels[i] = chip.base + "_" + chip.name
			} else {
				labels[i] = chip.base + "_" + hwmonName(chip.entry.Name)
			}
		}
		if isUnique {
			return labels
		}
	}
}

// A hwmonExtension is what follows the base in the label of a chip.
type hwmonExtension int

const (
	_ hwmonExtension = iota // nothing
	hwmonNameExtension
	hwmonDirExtension
)
