// Package output parses what a check printed, and its exit code, into families. It
// has a parser for each of seven formats, and the same steps after it:
//
//	stdout, exit code ──format──▶ values ──schema──▶ samples ──series rules──▶ families
//
// A format yields names, labels and strings. The schema, which is the declared
// metrics, converts strings to numbers in base units. The series rules are about
// names, labels, duplicates and the maximum number of series. Whatever is dropped is
// counted by reason, and the first few drops are reported with their position.
//
// The output is not trusted: none makes Parse panic, or use time or memory out of
// proportion to Options.MaxBytes and Options.MaxSeries.
//
// The configuration is trusted. Regular expressions are RE2, whose time for a match
// is linear in the text, but a pattern that reads to the end of a long text after
// each of many matches is slow. A jq expression has a deadline, which is checked
// between its steps; what it allocates before is not limited.
package output

import (
	"errors"
	"fmt"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// A Parser parses the output of one check. It is safe for concurrent use.
type Parser struct {
	o        Options
	metrics  []*compiledMetric
	bySource map[string]*compiledMetric
}

// New validates the options and compiles their expressions.
func New(o Options) (*Parser, error) {
	if !slices.Contains(Formats(), o.Format) {
		return nil, fmt.Errorf("format: want one of %v, have %q", Formats(), o.Format)
	}
	if err := o.limits(); err != nil {
		return nil, err
	}
	if err := o.names(); err != nil {
		return nil, err
	}
	p := &Parser{o: o, bySource: map[string]*compiledMetric{}}
	names := map[string]int{}
	for i, declared := range o.Metrics {
		m, err := o.compile(declared)
		if err != nil {
			return nil, fmt.Errorf("metrics[%d]: %w", i, err)
		}
		if other, twice := names[m.Name]; twice && !o.Format.allowsRepeats() {
			return nil, fmt.Errorf("metrics[%d]: name: want a unique name, have %s of metrics[%d]", i, m.Name, other)
		}
		if other := p.bySource[m.From]; other != nil && !o.Format.allowsRepeats() {
			return nil, fmt.Errorf("metrics[%d]: from: want a unique name, have %q of %s", i, m.From, other.Name)
		}
		names[m.Name] = i
		p.bySource[m.From] = m
		p.metrics = append(p.metrics, m)
	}
	return p, p.validate()
}

// validate checks that all declarations of a family have the same type.
func (p *Parser) validate() error {
	first := map[string]*compiledMetric{}
	for i, m := range p.metrics {
		if other := first[m.Name]; other != nil && other.dtoType != m.dtoType {
			return fmt.Errorf("metrics[%d]: type: want %s as of the first %s, have %s", i, other.Type, m.Name, m.Type)
		}
		first[m.Name] = m
	}
	return nil
}

// allowsRepeats reports whether a family may be declared more than once, for values
// that are in several parts of the output.
func (f Format) allowsRepeats() bool { return f == JSON || f == Regexp }

// Parse parses the standard output and the exit code of a run. It does not retain
// stdout.
func (p *Parser) Parse(stdout []byte, exitCode int) (result Result) {
	r := &run{p: p, families: map[string]*dto.MetricFamily{}, result: Result{Drops: map[Reason]int{}}}
	defer func() {
		if v := recover(); v != nil {
			result = Result{Drops: map[Reason]int{}, Err: flight.NewPanicError(v)}
		}
	}()
	if err := r.read(stdout, exitCode); err != nil {
		if errors.Is(err, errTooMany) {
			err = fmt.Errorf("want at most %d values (%d times max-series)", p.maxValues(), maxValuesPerSeries)
			r.result.Drops[OverLimit]++
		}
		r.result.Err = errors.New(p.form(err.Error()))
		return r.result
	}
	r.finish()
	return r.result
}

func (p *Parser) maxValues() int { return maxValuesPerSeries * p.o.MaxSeries }

func (r *run) read(stdout []byte, exitCode int) error {
	if n, limit := len(stdout), r.p.o.MaxBytes; n > limit && r.p.o.Format != Exit {
		return fmt.Errorf("want at most %d bytes of output (stdout-limit), have %d", limit, n)
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
