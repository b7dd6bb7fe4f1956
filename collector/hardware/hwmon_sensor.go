package hardware

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// hwmonFacts describe a chip without its values. They do not change as long as
// the directories of the chip do not.
type hwmonFacts struct {
	name     string // name that the driver gives to the chip
	labels   []hwmonLabel
	elements []hwmonElement
}

// A hwmonLabel is the label of a sensor.
type hwmonLabel struct{ sensor, text string }

// A hwmonElement is a file with its family and unit.
type hwmonElement struct {
	dir, file string
	sensor    string // the value of its label sensor

	family, help string
	counter      bool
	divisor      float64
	oneIsTrue    bool // the value is 1 or not 1
	isPercent    bool // the number may have a percent sign
	isTemp       bool // a reading below absolute zero is none
	isFan        bool // a speed below zero is none
	isSigned     bool // a number below zero may be printed as an unsigned one
	mayBeText    bool // some drivers have texts in elements other than input
}

// A hwmonFile is a file of an element of a sensor.
type hwmonFile struct {
	dir, name string
	kind      string // temp
	sensor    string // temp1
	element   string // max, or empty in files such as pwm1
	irregular bool   // whether the element is not valid in a metric name
}

// hwmonKinds are the kinds of sensors with a number in their name.
var hwmonKinds = [...]string{
	"in", "cpu", "fan", "pwm", "temp", "curr", "power", "energy", "humidity", "intrusion", "freq",
}

// hwmonKindNames are the names of the kinds in help texts.
var hwmonKindNames = [len(hwmonKinds)]string{
	"Voltage", "CPU voltage", "Fan", "Fan control", "Temperature", "Current", "Power", "Energy", "Humidity", "Chassis intrusion", "Frequency",
}

// hwmonFiles returns the included files of a chip's two directories, in natural
// order. A file in the directory of the device replaces one of the same sensor
// and element in that of the chip.
func hwmonFiles(listings [2]host.Listing, dirs [2]string, includes func(sensor string) bool) []hwmonFile {
	var files []hwmonFile
	index := map[string]int{}
	for i, l := range listings {
		for _, entry := range l.Entries {
			f, ok := parseHwmonFile(entry.Name)
			if !ok || !includes(f.sensor) {
				continue
			}
			f.dir = dirs[i]
			key := f.sensor + "_" + f.element
			if at, ok := index[key]; ok {
				files[at] = f
				continue
			}
			index[key] = len(files)
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b hwmonFile) int {
		if a.irregular != b.irregular { // the regular ones get the names without a count
			if a.irregular {
				return 1
			}
			return -1
		}
		return host.CompareNatural(a.name, b.name)
	})
	return files
}

// parseHwmonFile parses the name of a file: a kind, a number, and an element
// after an underscore, such as temp1_max. The collector opens no other files.
func parseHwmonFile(name string) (hwmonFile, bool) {
	f := hwmonFile{name: name}
	digits := strings.IndexAny(name, "0123456789")
	if digits < 0 {
		f.kind = name
		// The directory of a device's power management is called power too.
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
	f.irregular = f.element != hwmonName(f.element)
	// These files are for writing only: they reset the extremes of a sensor.
	return f, f.element != "reset_history"
}

// hwmonElements returns the elements of the files other than labels. No two
// elements have the same family and sensor.
func hwmonElements(files []hwmonFile, labels []hwmonLabel) []hwmonElement {
	var elements []hwmonElement
	hasBareFile := map[string]bool{} // sensors with a file such as temp1
	for _, f := range files {
		if f.element == "" {
			hasBareFile[f.sensor] = true
		}
	}
	used := map[[2]string]bool{}
	for _, f := range files {
		if f.element == "label" {
			continue
		}
		e, ok := newHwmonElement(f, hasBareFile[f.sensor])
		if !ok {
			continue
		}
		if f.kind == "freq" && f.element == "input" {
			i := slices.IndexFunc(labels, func(l hwmonLabel) bool { return l.sensor == f.sensor })
			if i >= 0 {
				e = e.asClock(labels[i].text, used)
			}
		}
		for n, family := 2, e.family; used[[2]string{e.family, e.sensor}]; n++ {
			e.family = family + "_" + strconv.Itoa(n)
		}
		used[[2]string{e.family, e.sensor}] = true
		elements = append(elements, e)
	}
	return elements
}

// newHwmonElement returns the element of a file. hasBareFile says that the
// sensor also has a file without an element, which has its value. It reports
// false for a file that is not an element in spite of its name.
func newHwmonElement(f hwmonFile, hasBareFile bool) (hwmonElement, bool) {
	e := hwmonElement{
		dir: f.dir, file: f.name, sensor: f.sensor,
		family: "node_hwmon_" + f.kind, divisor: 1,
		mayBeText: f.element != "" && f.element != "input",
	}
	switch f.kind {
	case "beep_enable":
		e.family, e.oneIsTrue = "node_hwmon_beep_enabled", true
		e.help = "Whether the chip may beep, from beep_enable."
		return e, f.element == ""
	case "vrm":
		e.family = "node_hwmon_voltage_regulator_version"
		e.help = "Version of the voltage regulator module specification times ten, from vrm."
		return e, f.element == ""
	case "update_interval":
		e.family, e.divisor = "node_hwmon_update_interval_seconds", 1000
		e.help = "Interval between measurements of the chip, from update_interval."
		return e, f.element == ""
	}
	if f.element != "" && (f.element != "input" || hasBareFile) {
		e.family += "_" + hwmonName(f.element)
	}
	unit := hwmonUnitOf(f.kind, f.element)
	e.family += unit.suffix
	e.divisor = unit.divisor
	e.counter = unit.counter
	e.isPercent = unit.isPercent
	e.isTemp = f.kind == "temp" && (f.element == "" || f.element == "input")
	e.isFan = f.kind == "fan"
	e.isSigned = f.kind == "temp" || f.kind == "in" || f.kind == "curr"
	e.help = hwmonHelp(f, unit)
	return e, true
}

// A hwmonUnit is the unit of a number.
type hwmonUnit struct {
	suffix    string // of the family's name
	name      string // for the help text
	divisor   float64
	counter   bool
	isPercent bool // whether the number is in percent
}

func hwmonHelp(f hwmonFile, unit hwmonUnit) string {
	element, file := f.element, f.kind+"*_"+f.element
	switch f.element {
	case "":
		element, file = "value", f.kind+"*"
	case "input":
		element = "value"
	}
	if unit.name != "" {
		element += " in " + unit.name
	}
	return hwmonKindNames[slices.Index(hwmonKinds[:], f.kind)] + ": " + strings.ReplaceAll(element, "_", " ") + ", from " + file + "."
}

// hwmonUnitOf returns the unit of an element. A flag such as temp1_crit_alarm and
// a fan control such as temp1_auto_point1_pwm are numbers without a unit, although
// the inherited names have that of their kind.
func hwmonUnitOf(kind, element string) hwmonUnit {
	switch element {
	case "alarm", "fault":
		return hwmonUnit{divisor: 1}
	case "beep":
		return hwmonUnit{suffix: "_enabled", divisor: 1}
	}
	unit := hwmonUnitOfKind(kind, element)
	switch element[strings.LastIndexByte(element, '_')+1:] {
	case "alarm", "fault", "beep", "enable", "battery", "pwm":
		unit.name, unit.divisor = "", 1
	}
	return unit
}

// hwmonUnitOfKind returns the unit of an element that is no flag. The units are
// those of the kernel's Documentation/ABI/testing/sysfs-class-hwmon: volts, amperes
// and degrees in thousandths, watts and joules in millionths, humidity in
// thousandths of a percent.
func hwmonUnitOfKind(kind, element string) hwmonUnit {
	switch kind {
	case "in", "cpu":
		return hwmonUnit{suffix: "_volts", name: "volts", divisor: 1000}
	case "temp":
		if element != "type" {
			return hwmonUnit{suffix: "_celsius", name: "degrees Celsius", divisor: 1000}
		}
	case "curr":
		return hwmonUnit{suffix: "_amps", name: "amperes", divisor: 1000}
	case "energy":
		return hwmonUnit{suffix: "_joule_total", name: "joules", divisor: 1e6, counter: true}
	case "humidity":
		return hwmonUnit{name: "parts of one", divisor: 1e5}
	case "power":
		switch element {
		case "accuracy":
			return hwmonUnit{name: "parts of one", divisor: 100, isPercent: true}
		case "average_interval", "average_interval_min", "average_interval_max":
			return hwmonUnit{suffix: "_seconds", name: "seconds", divisor: 1000}
		}
		return hwmonUnit{suffix: "_watt", name: "watts", divisor: 1e6}
	case "fan":
		switch element {
		case "input", "min", "max", "target":
			return hwmonUnit{suffix: "_rpm", name: "revolutions per minute", divisor: 1}
		}
	}
	return hwmonUnit{divisor: 1}
}

// asClock returns the element of a frequency with a label: graphics drivers name
// their clocks, and the label replaces the name of the sensor, unless another
// sensor of the chip has it.
func (e hwmonElement) asClock(label string, used map[[2]string]bool) hwmonElement {
	e.family += "_freq_mhz"
	e.help = "Clock frequency in megahertz, from freq*_input; the sensor is named by its label."
	e.divisor = 1e6
	if name := hwmonName(label); name != "" && !used[[2]string{e.family, name}] {
		e.sensor = name
	}
	return e
}

// parseHwmonNumber parses a number. It reports whether it is one, and known: the
// number -1 of an unsigned type of 32 or 64 bits stands for a value that the driver
// does not have.
func parseHwmonNumber(b []byte, isSigned bool) (v float64, isNumber, known bool) {
	u, ok := scan.Uint(b)
	switch {
	case !ok:
		v, ok = scan.Float(b)
		return v, ok, ok
	case u == math.MaxUint32, u == math.MaxUint64:
		return 0, true, false
	case isSigned && u>>31 == 1:
		return float64(int32(u)), true, true
	case isSigned:
		return float64(int64(u)), true, true
	}
	return float64(u), true, true
}

// isHwmonText reports whether the content of a file is words or a percentage,
// and not a malformed number: acpi_power_meter has a model name and an accuracy
// of 95.5% among the elements of a sensor.
func isHwmonText(b []byte) bool {
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

// hwmonName returns a text as part of a name: in lower case, with underscores
// for characters other than letters, digits and colons, and without underscores
// at its ends.
func hwmonName(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == ':' {
			return r
		}
		return '_'
	}, strings.ToLower(s)), "_")
}
