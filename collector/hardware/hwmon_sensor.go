package hardware

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// hwmonFacts are what is known of a chip without asking its sensors. They are
// not changed once they are made.
type hwmonFacts struct {
	name     string // what the driver calls the chip
	labels   []hwmonLabel
	elements []hwmonElement
}

// A hwmonLabel is the text of a sensor.
type hwmonLabel struct{ sensor, text string }

// A hwmonElement is one file, and what becomes of it.
type hwmonElement struct {
	folder, file string
	sensor       string // the value of its label sensor

	family, help string
	counter      bool
	divisor      float64
	onlyOne      bool // 1 counts as true, everything else as false
	maybeText    bool // drivers have texts among elements of other names than input
}

// A hwmonFile is a file whose name is that of a sensor's element.
type hwmonFile struct {
	folder, name string
	kind         string // temp
	sensor       string // temp1
	element      string // max, or empty in files such as pwm1
	spelledOddly bool
}

// hwmonKinds are the kinds of sensors that have a number in their name.
var hwmonKinds = [...]string{
	"in", "cpu", "fan", "pwm", "temp", "curr", "power", "energy", "humidity", "intrusion", "freq",
}

// hwmonNouns say what the kinds are.
var hwmonNouns = [len(hwmonKinds)]string{
	"Voltage", "CPU voltage", "Fan", "Fan control", "Temperature", "Current", "Power", "Energy", "Humidity", "Chassis intrusion", "Frequency",
}

// hwmonFiles returns the files of a chip's two folders that are to be read, in
// natural order. A file in the device's folder stands for one of the same
// sensor and element in the chip's own.
func hwmonFiles(listings [2]host.Listing, folders [2]string, wanted func(sensor string) bool) []hwmonFile {
	var files []hwmonFile
	place := map[string]int{}
	for i, l := range listings {
		for _, entry := range l.Entries {
			f, ok := parseHwmonFile(entry.Name)
			if !ok || !wanted(f.sensor) {
				continue
			}
			f.folder = folders[i]
			key := f.sensor + "_" + f.element
			if at, ok := place[key]; ok {
				files[at] = f
				continue
			}
			place[key] = len(files)
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b hwmonFile) int {
		if a.spelledOddly != b.spelledOddly { // the others get the names they should have
			if a.spelledOddly {
				return 1
			}
			return -1
		}
		return host.CompareNatural(a.name, b.name)
	})
	return files
}

// parseHwmonFile takes a file's name apart. Only what follows the grammar of
// sensors is ever opened: a kind, a number, and an element behind an
// underscore, such as temp1_max.
func parseHwmonFile(name string) (hwmonFile, bool) {
	f := hwmonFile{name: name}
	digits := strings.IndexAny(name, "0123456789")
	if digits < 0 {
		f.kind = name
		// The folder of a device's power management has the name of a sensor.
		if name == "power" {
			return f, false
		}
	} else {
		f.kind = name[:digits]
	}
	switch f.kind {
	case "beep_enable", "update_interval", "vrm":
	default:
		if !slices.Contains(hwmonKinds[:], f.kind) {
			return f, false
		}
	}
	rest := name[len(f.kind):]
	end := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	number := 0
	if end > 0 {
		var err error
		if number, err = strconv.Atoi(rest[:end]); err != nil {
			return f, false
		}
	}
	f.sensor = f.kind + strconv.Itoa(number)
	if rest = rest[end:]; rest != "" {
		if rest[0] != '_' || len(rest) == 1 {
			return f, false
		}
		f.element = rest[1:]
	}
	f.spelledOddly = f.element != hwmonClean(f.element)
	// Writing to these clears a sensor's extremes, there is nothing to read.
	return f, f.element != "reset_history"
}

// hwmonElements returns what becomes of the files, but for labels. No two
// elements have the same family and sensor.
func hwmonElements(files []hwmonFile, labels []hwmonLabel) []hwmonElement {
	var elements []hwmonElement
	bare := map[string]bool{} // sensors with a file such as temp1
	for _, f := range files {
		if f.element == "" {
			bare[f.sensor] = true
		}
	}
	taken := map[[2]string]bool{}
	for _, f := range files {
		if f.element == "label" {
			continue
		}
		e, ok := hwmonElementOf(f, bare[f.sensor])
		if !ok {
			continue
		}
		if f.kind == "freq" && f.element == "input" {
			i := slices.IndexFunc(labels, func(l hwmonLabel) bool { return l.sensor == f.sensor })
			if i >= 0 {
				e = e.megahertz(labels[i].text, taken)
			}
		}
		for n, family := 2, e.family; taken[[2]string{e.family, e.sensor}]; n++ {
			e.family = family + "_" + strconv.Itoa(n)
		}
		taken[[2]string{e.family, e.sensor}] = true
		elements = append(elements, e)
	}
	return elements
}

// hwmonElementOf returns what becomes of a file. Bare says that the sensor has
// a file without an element, which is its value, too. It reports false for a
// file that is no element although it is named like one.
func hwmonElementOf(f hwmonFile, bare bool) (hwmonElement, bool) {
	e := hwmonElement{
		folder: f.folder, file: f.name, sensor: f.sensor,
		family: "node_hwmon_" + f.kind, divisor: 1,
		maybeText: f.element != "" && f.element != "input",
	}
	switch f.kind {
	case "beep_enable":
		e.family, e.onlyOne = "node_hwmon_beep_enabled", true
		e.help = "Whether the chip may beep, from beep_enable."
		return e, f.element == ""
	case "vrm":
		e.family = "node_hwmon_voltage_regulator_version"
		e.help = "Version of the voltage regulator module's specification, times ten, from vrm."
		return e, f.element == ""
	case "update_interval":
		e.family, e.divisor = "node_hwmon_update_interval_seconds", 1000
		e.help = "How often the chip measures, from update_interval."
		return e, f.element == ""
	}
	if f.element != "" && (f.element != "input" || bare) {
		e.family += "_" + hwmonClean(f.element)
	}
	unit := hwmonUnitOf(f.kind, f.element)
	e.family += unit.suffix
	e.divisor = unit.divisor
	e.counter = unit.counter
	e.help = hwmonHelp(f, unit)
	return e, true
}

// A hwmonUnit is what one number of a kind of sensor means.
type hwmonUnit struct {
	suffix  string // of the family's name
	name    string // for the help text
	divisor float64
	counter bool
}

func hwmonHelp(f hwmonFile, unit hwmonUnit) string {
	what, file := f.element, f.kind+"*_"+f.element
	switch f.element {
	case "":
		what, file = "value", f.kind+"*"
	case "input":
		what = "value"
	}
	if unit.name != "" {
		what += " in " + unit.name
	}
	return hwmonNouns[slices.Index(hwmonKinds[:], f.kind)] + ": " + strings.ReplaceAll(what, "_", " ") + ", from " + file + "."
}

// hwmonUnitOf returns the unit of an element. Whatever the element is, it gets
// the unit of its kind, also where it is a mere flag such as temp1_crit_alarm:
// that is how these names have been for years.
func hwmonUnitOf(kind, element string) hwmonUnit {
	switch element {
	case "alarm", "fault":
		return hwmonUnit{divisor: 1}
	case "beep":
		return hwmonUnit{suffix: "_enabled", divisor: 1}
	}
	switch kind {
	case "in", "cpu":
		return hwmonUnit{"_volts", "volts", 1000, false}
	case "temp":
		if element != "type" {
			return hwmonUnit{"_celsius", "degrees Celsius", 1000, false}
		}
	case "curr":
		return hwmonUnit{"_amps", "amperes", 1000, false}
	case "energy":
		return hwmonUnit{"_joule_total", "joules", 1e6, true}
	case "humidity":
		return hwmonUnit{"", "parts of one", 1e6, false}
	case "power":
		switch element {
		case "accuracy":
			return hwmonUnit{"", "parts of one", 1e6, false}
		case "average_interval", "average_interval_min", "average_interval_max":
			return hwmonUnit{"_seconds", "seconds", 1000, false}
		}
		return hwmonUnit{"_watt", "watts", 1e6, false}
	case "fan":
		switch element {
		case "input", "min", "max", "target":
			return hwmonUnit{"_rpm", "revolutions a minute", 1, false}
		}
	}
	return hwmonUnit{divisor: 1}
}

// megahertz returns the element for a frequency that has a text: graphics
// drivers name their clocks, and the name takes the place of the sensor, unless
// another sensor of the chip has the same.
func (e hwmonElement) megahertz(text string, taken map[[2]string]bool) hwmonElement {
	e.family += "_freq_mhz"
	e.help = "Clock frequency of the hardware, in megahertz; the sensor is called what its text says."
	e.divisor = 1e6
	if name := hwmonClean(text); name != "" && !taken[[2]string{e.family, name}] {
		e.sensor = name
	}
	return e
}

// hwmonText reports whether a file holds words, or a percentage, rather than a
// broken number: some drivers (acpi_power_meter) have a model name and an
// accuracy of 95.5% among the elements of a sensor.
func hwmonText(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return b[0] >= 'A' && b[0] <= 'Z' || b[0] >= 'a' && b[0] <= 'z' || b[len(b)-1] == '%'
}

// hwmonClean returns a text as it stands in a name: in small letters, with an
// underscore for what is neither letter, digit nor colon, and without
// underscores at its ends.
func hwmonClean(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == ':' {
			return r
		}
		return '_'
	}, strings.ToLower(s)), "_")
}
