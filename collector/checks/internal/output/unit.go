package output

import (
	"fmt"
	"strings"
)

// A unit is a unit with its conversion to the base unit, as Prometheus names them.
// The zero unit is a plain number.
type unit struct {
	base     string  // "seconds"; empty for a plain number
	mul, div float64 // one of them is 1: a division by 1000 is exact, a multiplication by 0.001 is not
	offset   float64 // added before
}

func (u unit) toBase(v float64) float64 {
	if u.base == "" {
		return v
	}
	return (v + u.offset) * u.mul / u.div
}

// unitOf returns a unit by its name, which is case sensitive. With binary, KB, MB, GB
// and TB are powers of 1024.
func unitOf(name string, binary bool) (unit, bool) {
	if size, rest, ok := cutSize(name, binary); ok {
		switch rest {
		case "B", "Bytes", "bytes", "Byte", "byte":
			return unit{base: "bytes", mul: size, div: 1}, true
		case "B/s", "Bps":
			return unit{base: "bytes_per_second", mul: size, div: 1}, true
		case "bit":
			return unit{base: "bytes", mul: size, div: 8}, true
		case "bit/s", "bps", "b/s":
			return unit{base: "bytes_per_second", mul: size, div: 8}, true
		}
	}
	switch name {
	case "ns", "nsec":
		return dividedBy("seconds", 1e9), true
	case "us", "usec", "µs", "μs": // the micro sign, and the Greek letter
		return dividedBy("seconds", 1e6), true
	case "ms", "msec", "milliseconds":
		return dividedBy("seconds", 1e3), true
	case "s", "sec", "secs", "second", "seconds":
		return multipliedBy("seconds", 1), true
	case "min", "mins", "minute", "minutes":
		return multipliedBy("seconds", 60), true
	case "h", "hour", "hours":
		return multipliedBy("seconds", 3600), true
	case "d", "day", "days":
		return multipliedBy("seconds", 86400), true
	case "%", "percent":
		return dividedBy("ratio", 100), true
	case "ratio":
		return multipliedBy("ratio", 1), true
	case "°C", "C", "celsius", "Celsius":
		return multipliedBy("celsius", 1), true
	case "°F", "F", "fahrenheit", "Fahrenheit":
		return unit{base: "celsius", mul: 5, div: 9, offset: -32}, true
	case "m°C", "mC":
		return dividedBy("celsius", 1e3), true
	}
	return electricUnit(name)
}

// unitProblem says why a unit that was printed cannot be used.
func unitProblem(name string) string {
	if _, rest, ok := cutSize(name, false); ok && (rest == "b" || rest == "" && len(name) < 3) {
		return fmt.Sprintf("%s may be bits, bytes or a number: say which with units", quote(name))
	}
	return fmt.Sprintf("want a known unit, or one of units, have %s", quote(name))
}

// printedUnit returns the unit by the name that was printed with a value, which
// the option units may translate.
func (o *Options) printedUnit(name string) (unit, bool) {
	if other, ok := o.Units[name]; ok {
		if other == "" {
			return unit{}, true
		}
		name = other
	}
	return unitOf(name, o.BinaryUnits)
}

func electricUnit(name string) (unit, bool) {
	for _, u := range []struct{ symbol, base string }{
		{"V", "volts"}, {"A", "amperes"}, {"W", "watts"}, {"J", "joules"}, {"Hz", "hertz"},
	} {
		switch name {
		case u.symbol, u.base:
			return multipliedBy(u.base, 1), true
		case "m" + u.symbol:
			return dividedBy(u.base, 1e3), true
		case "k" + u.symbol:
			return multipliedBy(u.base, 1e3), true
		case "M" + u.symbol:
			return multipliedBy(u.base, 1e6), true
		case "G" + u.symbol:
			return multipliedBy(u.base, 1e9), true
		}
	}
	switch name {
	case "Wh":
		return multipliedBy("joules", 3600), true
	case "kWh":
		return multipliedBy("joules", 3.6e6), true
	case "rpm", "RPM":
		return multipliedBy("rpm", 1), true
	}
	return unit{}, false
}

func multipliedBy(base string, n float64) unit { return unit{base: base, mul: n, div: 1} }
func dividedBy(base string, n float64) unit    { return unit{base: base, mul: 1, div: n} }

// cutSize cuts the size prefix off a unit of bytes or bits.
func cutSize(name string, binary bool) (size float64, rest string, ok bool) {
	if name == "" {
		return 0, "", false
	}
	power := strings.IndexByte("KMGTPE", name[0]) + 1
	if name[0] == 'k' {
		power = 1
	}
	if power == 0 {
		return 1, name, true
	}
	rest, iec := strings.CutPrefix(name[1:], "i")
	step := 1000.0
	if iec || binary && (strings.HasPrefix(rest, "B") || strings.HasPrefix(rest, "byte")) {
		step = 1024
	}
	size = 1
	for range power {
		size *= step
	}
	return size, rest, true
}

// hasUnitSuffix reports whether a name ends in a unit, before _total if there is one.
func hasUnitSuffix(name, base string) bool {
	name = strings.TrimSuffix(name, "_total")
	return name == base || strings.HasSuffix(name, "_"+base)
}

// withUnit returns the name with the base unit at its end.
func withUnit(name, base string) string {
	if base == "" || hasUnitSuffix(name, base) {
		return name
	}
	if stem, total := strings.CutSuffix(name, "_total"); total {
		return stem + "_" + base + "_total"
	}
	return name + "_" + base
}
