package output

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// A Reason tells why a value was left out.
type Reason string

// The reasons, in the order of the documentation.
const (
	Undeclared Reason = "undeclared" // not in the schema
	IllTyped   Reason = "type"       // not a number, or of another type than declared
	WrongUnit  Reason = "unit"       // a unit that is not known, or not the one of the name
	OutOfRange Reason = "range"      // below min, above max, a negative counter
	NotInEnum  Reason = "enum"       // a text that the enum does not have
	Duplicate  Reason = "duplicate"  // a series, or a name of one, that is there already
	OverLimit  Reason = "limit"      // a series beyond max-series
	Timestamp  Reason = "timestamp"  // a series that says when it was read
	BadLabel   Reason = "label"      // a label that is not allowed, or not a label
	BadName    Reason = "name"       // a name that is none for a metric
	Reserved   Reason = "reserved"   // a name that is the exporter's own
	Syntax     Reason = "syntax"     // a line or a part of one that cannot be read
)

// Reasons returns all reasons, for counters that are to be there from the start.
func Reasons() []Reason {
	return []Reason{Undeclared, IllTyped, WrongUnit, OutOfRange, NotInEnum, Duplicate, OverLimit, Timestamp, BadLabel, BadName, Reserved, Syntax}
}

// A Result is what one run of a check said.
type Result struct {
	// Families are sorted by name, and their series by labels. Every name and
	// every series is there once.
	Families []*dto.MetricFamily
	Series   int // that the families are served as, at most max-series

	Dropped  map[Reason]int
	Problems []string // the first few of what was dropped: where, and what was seen

	// Text is the first line of a nagios plugin without the perfdata. It is no
	// label, as it is another one in each run.
	Text string

	// Err tells why nothing at all of the output can be used. The run has then
	// failed, and there are no families.
	Err error
}

const (
	maxProblems = 8
	maxShown    = 80 // bytes of what was seen
)

// reservedNames are the names that only the exporter itself may serve.
func reservedNames() []string {
	return []string{"host_exporter_", "host_check_", "node_exporter_build_info", "go_", "process_", "promhttp_"}
}

// reserved returns what a name begins with that is the exporter's own.
func reserved(name string) string {
	for _, prefix := range reservedNames() {
		if strings.HasPrefix(name, prefix) {
			return prefix
		}
	}
	return ""
}

// A run is one call of Parse.
type run struct {
	p        *Parser
	families map[string]*dto.MetricFamily
	samples  int // added to families
	matched  int // matches of patterns
	result   Result
}

// errTooMany says that a document has more values than are looked at.
var errTooMany = errors.New("has too many values")

// Parse reads what a run of the check wrote to its standard output, and the
// code it exited with. It keeps nothing of stdout.
func (p *Parser) Parse(stdout []byte, exitCode int) (result Result) {
	r := &run{p: p, families: map[string]*dto.MetricFamily{}, result: Result{Dropped: map[Reason]int{}}}
	defer func() {
		if v := recover(); v != nil {
			result = Result{Dropped: map[Reason]int{}, Err: flight.NewPanicError(v)}
		}
	}()
	if err := r.read(stdout, exitCode); err != nil {
		if errors.Is(err, errTooMany) {
			err = fmt.Errorf("more than %d values, which is %d times max-series: none is served", p.maxReadings(), maxReadings)
			r.result.Dropped[OverLimit]++
		}
		r.result.Err = err
		return r.result
	}
	r.finish()
	return r.result
}

func (p *Parser) maxReadings() int { return maxReadings * p.o.MaxSeries }

func (r *run) read(stdout []byte, exitCode int) error {
	if n, most := len(stdout), r.p.o.MaxBytes; n > most && r.p.o.Format != Exit {
		return fmt.Errorf("the output has %d bytes, more than the %d of stdout-limit", n, most)
	}
	switch r.p.o.Format {
	case Prometheus:
		return r.prometheus(stdout)
	case KV:
		return r.kv(string(stdout))
	case JSON:
		return r.json(stdout)
	case Regexp:
		return r.regexp(string(stdout))
	case Nagios:
		return r.nagios(string(stdout), exitCode)
	case Number:
		return r.number(string(stdout))
	default:
		return r.exit(exitCode)
	}
}

// A place is where in the output something was seen. Both count from 1; the
// column counts bytes.
type place struct{ line, column int }

func (p place) String() string { return fmt.Sprintf("line %d, column %d", p.line, p.column) }

// drop counts what was left out, and tells the first ones.
func (r *run) drop(reason Reason, where fmt.Stringer, format string, args ...any) {
	r.result.Dropped[reason]++
	if len(r.result.Problems) < maxProblems {
		r.result.Problems = append(r.result.Problems, fmt.Sprintf("%s: %s", where, fmt.Sprintf(format, args...)))
	}
}

// shown returns a text from outside in quotes, cut when it is long.
func shown(s string) string {
	if len(s) > maxShown {
		return fmt.Sprintf("%q... (%d bytes)", s[:maxShown], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// short returns a text that has something from outside in it, cut when it is
// long.
func short(s string) string {
	if len(s) > 2*maxShown {
		return strings.ToValidUTF8(s[:2*maxShown], "") + "..."
	}
	return s
}

// A value is a number or a text that was read, and where.
type value struct {
	at     fmt.Stringer
	text   string
	unit   string // as printed, if it was
	labels []*dto.LabelPair
}

// declared adds a value of a declared metric that is a text.
func (r *run) declared(m *compiled, v value) error {
	if m.Enum != nil {
		n, known := m.Enum[v.text]
		if !known {
			r.drop(NotInEnum, v.at, "%s: the enum has no %s", m.Name, shown(v.text))
			return nil
		}
		return r.add(m, v, n)
	}
	n, ok := parseNumber(v.text)
	if !ok {
		r.drop(IllTyped, v.at, "%s: want a number, have %s", m.Name, shown(v.text))
		return nil
	}
	return r.add(m, v, n)
}

// add adds a value of a declared metric that is a number.
func (r *run) add(m *compiled, v value, n float64) error {
	u := m.unit
	if v.unit != "" {
		var reason string
		if u, reason = r.printed(v.unit, m); reason != "" {
			r.drop(WrongUnit, v.at, "%s: %s", m.Name, reason)
			return nil
		}
	}
	n = u.toBase(n)
	if r.p.o.Format != Prometheus && (math.IsNaN(n) || math.IsInf(n, 0)) {
		r.drop(IllTyped, v.at, "%s: want a finite number, have %v", m.Name, n)
		return nil
	}
	if reason, want := m.outside(n); reason != "" {
		r.drop(reason, v.at, "%s: %v is %s", m.Name, n, want)
		return nil
	}
	for _, l := range v.labels {
		if !slices.Contains(m.Labels, l.GetName()) {
			r.drop(BadLabel, v.at, "%s: the label %s is not declared", m.Name, shown(l.GetName()))
			return nil
		}
	}
	return r.sample(m.Name, m.dtoType, m.Help, v.labels, n)
}

// printed returns the unit that a check printed with a value of m.
func (r *run) printed(name string, m *compiled) (u unit, reason string) {
	u, known := unitOf(name, r.p.o.BinaryUnits)
	switch {
	case !known:
		return u, fmt.Sprintf("the unit %s is not known", shown(name))
	case !endsIn(m.Name, u.base):
		return u, fmt.Sprintf("has the unit %s, which is served in %s", shown(name), u.base)
	}
	return u, ""
}

// outside tells what is wrong with a number in the base unit, if anything.
func (m *compiled) outside(n float64) (reason Reason, want string) {
	switch {
	case m.Type == Info && n != 1:
		return OutOfRange, "not 1, as an info has to be"
	case m.Type == Counter && n < 0:
		return OutOfRange, "below 0, where a counter cannot be"
	case m.Min != nil && !(n >= *m.Min):
		return OutOfRange, fmt.Sprintf("not in the range from min, which is %v", *m.Min)
	case m.Max != nil && !(n <= *m.Max):
		return OutOfRange, fmt.Sprintf("not in the range to max, which is %v", *m.Max)
	}
	return "", ""
}

// sample adds a sample to its family.
func (r *run) sample(name string, typ dto.MetricType, help string, labels []*dto.LabelPair, n float64) error {
	if r.samples++; r.samples > r.p.maxReadings() {
		return errTooMany
	}
	family := r.families[name]
	if family == nil {
		family = &dto.MetricFamily{Name: &name, Type: &typ}
		r.families[name] = family
	}
	if help != "" && family.Help == nil {
		family.Help = &help
	}
	m := &dto.Metric{Label: labels}
	switch typ {
	case dto.MetricType_COUNTER:
		m.Counter = &dto.Counter{Value: &n}
	case dto.MetricType_GAUGE:
		m.Gauge = &dto.Gauge{Value: &n}
	default:
		m.Untyped = &dto.Untyped{Value: &n}
	}
	family.Metric = append(family.Metric, m)
	return nil
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// cutOff is the error of a document that ends within a line.
func cutOff(b []byte) error {
	if len(b) == 0 || b[len(b)-1] == '\n' {
		return nil
	}
	last := b[bytes.LastIndexByte(b, '\n')+1:]
	return fmt.Errorf("line %d: ends without a newline, as output that is only half written, after %s",
		bytes.Count(b, []byte("\n"))+1, shown(string(last[max(0, len(last)-maxShown):])))
}
