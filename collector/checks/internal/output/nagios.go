package output

import (
	"fmt"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// The help texts of a plugin's families.
const (
	statusHelp = "Exit status of the plugin: 0 is OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."
	perfHelp   = "Value in the plugin's performance data, by its label."
	limitHelp  = "Bound of a threshold in the plugin's performance data, which alerts outside or inside its bounds."
	minHelp    = "Minimum of a value in the plugin's performance data."
	maxHelp    = "Maximum of a value in the plugin's performance data."
)

// nagios parses the output of a monitoring plugin. The status is the exit code.
// Performance data follow a bar in the first line, and a second bar in the lines
// after it. See https://www.monitoring-plugins.org/doc/guidelines.html
func (r *run) nagios(text string, code int) error {
	if code < 0 || code > 3 {
		return fmt.Errorf("want the exit code of a plugin, from 0 to 3, have %d", code)
	}
	if err := r.addSample(r.p.o.Name+"_status", dto.MetricType_GAUGE, statusHelp, nil, float64(code)); err != nil {
		return err
	}
	first := true
	inPerfdata := false // after the second bar
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		before, perfdata, bar := strings.Cut(line, "|")
		at := position{n, len(before) + 2}
		if first {
			first = false
		} else if inPerfdata {
			perfdata, at.column = line, 1
		} else if bar {
			inPerfdata = true
		}
		if err := r.addPerfdata(at, perfdata); err != nil {
			return err
		}
	}
	return nil
}

// addPerfdata adds all performance data of a line. After a datum that cannot be
// parsed it continues with the next word.
func (r *run) addPerfdata(at position, text string) error {
	start := at.column
	for i := 0; i < len(text); {
		if text[i] == ' ' || text[i] == '\t' {
			i++
			continue
		}
		at.column = start + i
		d, n, err := parseDatum(text[i:])
		i += n
		if err != nil {
			r.drop(Syntax, at, "%v", err)
			continue
		}
		if err := r.addDatum(at, d); err != nil {
			return err
		}
	}
	return nil
}

// addDatum adds a value of the performance data and its thresholds.
func (r *run) addDatum(at position, d datum) error {
	if d.value == "U" {
		return nil // the plugin has no value
	}
	number, uom := cutUnit(d.value)
	if len(r.p.metrics) > 0 {
		m := r.p.bySource[d.label]
		if m == nil {
			r.drop(Undeclared, at, "%s is not declared", quote(d.label))
			return nil
		}
		if uom == "c" {
			uom = "" // means a counter; the schema has the type
		}
		return r.addText(m, value{at: at, text: number, unit: uom})
	}
	n, ok := parseNumber(number)
	if !ok {
		r.drop(IllTyped, at, "%s: want a number, have %s", quote(d.label), quote(d.value))
		return nil
	}
	name := r.p.o.Name + "_perfdata"
	typ := dto.MetricType_GAUGE
	var u unit
	switch {
	case uom == "c":
		if n < 0 {
			r.drop(OutOfRange, at, "%s: want at least 0 for a counter, have %s", quote(d.label), marked(fmt.Sprint(n)))
			return nil
		}
		typ = dto.MetricType_COUNTER
	case uom != "":
		if u, ok = r.p.o.printedUnit(uom); !ok {
			r.drop(WrongUnit, at, "%s: %s", quote(d.label), unitProblem(uom))
			return nil
		}
		name = withUnit(name, u.base)
		d.trimUnit(uom)
	}
	family := name
	if typ == dto.MetricType_COUNTER {
		family += "_total"
	}
	if err := r.addSample(family, typ, perfHelp, []*dto.LabelPair{label("label", d.label)}, u.toBase(n)); err != nil {
		return err
	}
	return r.addLimits(at, name, d, u)
}

// addLimits adds the thresholds and bounds of a value.
func (r *run) addLimits(at position, name string, d datum, u unit) error {
	for _, t := range []struct{ severity, text string }{{"warning", d.warn}, {"critical", d.crit}} {
		bounds, ok := parseRange(t.text)
		if !ok {
			r.drop(Syntax, at, "%s: want a threshold for %s, have %s", quote(d.label), t.severity, quote(t.text))
			continue
		}
		alert := "outside"
		if bounds.inside {
			alert = "inside"
		}
		for _, b := range []struct {
			bound string
			n     *float64
		}{{"lower", bounds.lower}, {"upper", bounds.upper}} {
			if b.n == nil {
				continue
			}
			labels := []*dto.LabelPair{label("label", d.label), label("severity", t.severity), label("bound", b.bound), label("alert", alert)}
			if err := r.addSample(name+"_limit", dto.MetricType_GAUGE, limitHelp, labels, u.toBase(*b.n)); err != nil {
				return err
			}
		}
	}
	for _, b := range []struct{ suffix, help, text string }{{"_min", minHelp, d.min}, {"_max", maxHelp, d.max}} {
		if b.text == "" || b.text == "U" {
			continue
		}
		n, ok := parseNumber(b.text)
		if !ok {
			r.drop(IllTyped, at, "%s: want a number, have %s", quote(d.label), quote(b.text))
			continue
		}
		if err := r.addSample(name+b.suffix, dto.MetricType_GAUGE, b.help, []*dto.LabelPair{label("label", d.label)}, u.toBase(n)); err != nil {
			return err
		}
	}
	return nil
}
