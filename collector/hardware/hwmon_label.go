package hardware

import (
	"path"
	"slices"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A hwmonNewcomer is a chip that has no label yet, and what it is named after.
type hwmonNewcomer struct {
	chip *hwmonChip
	want string // the label that it gets when no other chip has it
	name string // what its driver calls it
}

// discover returns the chips of the class. Those that were there before are
// kept, with their labels, their flights, and what they still owe.
func (c *hwmonCollector) discover() []*hwmonChip {
	var chips []*hwmonChip
	var newcomers []hwmonNewcomer
	taken := map[string]bool{}
	for _, entry := range c.class.Entries {
		i := slices.IndexFunc(c.chips, func(known *hwmonChip) bool { return known.entry == entry })
		if i >= 0 {
			chips = append(chips, c.chips[i])
			taken[c.chips[i].label] = true
			continue
		}
		n := c.meet(entry)
		chips = append(chips, n.chip)
		newcomers = append(newcomers, n)
	}
	label(newcomers, taken)
	for _, n := range newcomers {
		chip := n.chip.label
		n.chip.ignored = c.options.chip.Ignores(chip)
		n.chip.probe.wanted = func(sensor string) bool { return !c.options.sensor.Ignores(chip + ";" + sensor) }
	}
	return chips
}

// meet looks at a chip for the first time.
func (c *hwmonCollector) meet(entry host.DirEntry) hwmonNewcomer {
	chip := &hwmonChip{entry: entry}
	chip.probe.sys = c.host.Sys.Reader()
	chip.probe.now = c.host.Now
	var err error
	if chip.probe.folder, err = c.sys.Resolve(hwmonClass, entry.Name); err != nil {
		chip.probe.folder = path.Join("/", hwmonClass, entry.Name)
	}
	device, err := c.sys.Resolve(hwmonClass, entry.Name, "device")
	if err == nil && c.sys.Exists(device) {
		chip.probe.device = device
	}
	name := hwmonClean(c.sys.String(chip.probe.folder, "name"))
	return hwmonNewcomer{chip, hwmonChipLabel(chip.probe.device, name, chip.probe.folder), name}
}

// hwmonChipLabel returns what a chip is called. The number in hwmon3 depends
// on the order in which drivers were loaded, so that the device comes first,
// with the folder that it is in: platform_coretemp_0, nvme_nvme1,
// pci0000:00_0000:00:18_3. A chip without a device has the name that the driver
// gives to it.
func hwmonChipLabel(device, name, folder string) string {
	if device != "" {
		kind, base := hwmonClean(path.Base(path.Dir(device))), hwmonClean(path.Base(device))
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
	return hwmonClean(path.Base(folder))
}

// label gives every newcomer a label that no other chip has. When two want the
// same, which happens to two chips of one device and to two without a device,
// the one that comes first by path, name and number gets it; the label of the
// other goes on with its name, or with a count if that does not help. Chips
// that are there keep their labels, whatever comes later.
func label(newcomers []hwmonNewcomer, taken map[string]bool) {
	order := slices.Clone(newcomers)
	slices.SortStableFunc(order, func(a, b hwmonNewcomer) int {
		if c := host.CompareNatural(path.Dir(a.chip.probe.folder), path.Dir(b.chip.probe.folder)); c != 0 {
			return c
		}
		return host.CompareNatural(a.name, b.name)
	})
	give := func(n hwmonNewcomer, label string) {
		if n.chip.label == "" && !taken[label] {
			n.chip.label, taken[label] = label, true
		}
	}
	for _, n := range order {
		give(n, n.want)
	}
	for _, n := range order {
		if n.name != "" && n.name != n.want {
			give(n, n.want+"_"+n.name)
		}
		for count := 2; n.chip.label == ""; count++ {
			give(n, n.want+"_"+strconv.Itoa(count))
		}
	}
}
