// Package collect defines a collector: its data sheet (Spec), its one method
// (Collector), what that method may use (Env), and the enabled collector that
// the exporter runs (Unit). It knows neither HTTP nor kernel files.
package collect

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Collector reads part of the host and emits samples.
type Collector interface {
	// Update reads once and emits to out, in any order. It is never called
	// twice at the same time, so that caches can be plain fields. It may block:
	// the caller stops waiting at the deadline of ctx and drops what was
	// emitted. ctx has a deadline but is never done; use context.WithDeadline
	// for a call that can be cancelled.
	//
	// Update reports a part that cannot be read with out.Error, and goes on
	// with the rest. A returned error means that nothing more can be read; what
	// was emitted before is still served. ErrNoData means "not on this host".
	Update(ctx context.Context, out *metric.Sink) error
}

// ErrNoData means that the host does not have what a collector reads. It is not
// a fault.
var ErrNoData = errors.New("no data")

// OrNoData returns ErrNoData for an error that is host.Gone, and other errors
// as they are. It is for the one file or folder without which a collector has
// nothing to read.
func OrNoData(err error) error {
	if host.Gone(err) {
		return &noDataError{err}
	}
	return err
}

type noDataError struct{ err error }

func (e *noDataError) Error() string        { return "no data: " + e.err.Error() }
func (e *noDataError) Is(target error) bool { return target == ErrNoData }
func (e *noDataError) Unwrap() error        { return e.err }

// DefaultTimeout is the timeout of a collector whose Spec has none.
const DefaultTimeout = 5 * time.Second

// DefaultMaxSeries is the default maximum number of series of a collector's run.
// The largest hosts have fewer: hba has 137,000 for 2,000 LUNs with 8 paths each.
// With 300,000 the exporter comes up to MemoryMax of
// docs/service/host_exporter.service, and a run keeps twice the maximum until it
// knows which families are the largest.
const DefaultMaxSeries = 250_000

// A Spec is a collector's data sheet. It is immutable.
type Spec struct {
	Name              string                  // of the flag, the file, the fixture and the section in the docs
	Help              string                  // one sentence
	Reads             []string                // paths of kernel files, with wildcards: for docs, recorder and sandbox profile
	OptionalReads     []string                // paths that are read only if an option enables it, because reading costs or risks something: for docs and sandbox profile
	Needs             string                  // privileges that reading requires; empty: those of an ordinary user
	Caps              []capability.Capability // that reading requires, with some options or for some files: the sandbox keeps them
	AbstractSockets   bool                    // connects to a socket without a path: the sandbox allows it
	OpensMounts       string                  // type of file systems whose mount points it opens: the sandbox allows it
	DisabledByDefault bool                    // runs only if enabled explicitly
	NoDataIsSuccess   bool                    // node_scrape_collector_success is 1 for ErrNoData, as in node_exporter
	Native            bool                    // node_exporter does not have it: without data it has no series of node_scrape_collector_*
	Timeout           time.Duration           // zero: DefaultTimeout
	Build             Builder                 // Plain(newX) or With(xOptions{defaults}, newX)
}

// A Domain is a part of the host, and the folder of the collectors that read
// it.
type Domain struct {
	Name  string
	Specs []Spec
}

// Specs returns the data sheets of the domains, in order.
func Specs(domains []Domain) []Spec {
	var all []Spec
	for _, d := range domains {
		all = append(all, d.Specs...)
	}
	return all
}

// An Env is everything that a collector may use.
type Env struct {
	Host    *host.Host
	Metrics *metric.Set
	Log     log.Logger

	// Declared reports whether a collector or the exporter itself declares a
	// family. It knows all collectors only after they were built.
	Declared func(name string) bool

	// Reserved reports whether an external family must not have a name, because
	// a collector served a family of that name in its last run, or because the
	// name is the exporter's own.
	Reserved func(name string) bool
}

// A Builder makes collectors of one kind. Building does no I/O: a missing file
// is the result of a scrape, and does not stop the exporter from starting.
type Builder interface {
	// Fields returns the options with their default values.
	Fields() []Field
	// New builds a collector with the given options, by Field.Name. An option
	// that is a list may have several values.
	New(env *Env, options map[string][]string) (Collector, error)
}

// Plain is the Builder of a collector without options.
func Plain[C Collector](newC func(*Env) C) Builder { return plainBuilder[C]{newC} }

type plainBuilder[C Collector] struct{ newC func(*Env) C }

func (p plainBuilder[C]) Fields() []Field { return nil }

func (p plainBuilder[C]) New(env *Env, options map[string][]string) (Collector, error) {
	if err := apply(nil, options); err != nil {
		return nil, err
	}
	return p.newC(env), nil
}

// optionsPointer is a pointer to a struct of options that lists its fields.
type optionsPointer[O any] interface {
	*O
	Fields() []Field
}

// With is the Builder of a collector with options. The constructor may reject
// options that conflict.
func With[O any, P optionsPointer[O], C Collector](defaults O, newC func(*Env, O) (C, error)) Builder {
	return optionsBuilder[O, P, C]{defaults, newC}
}

type optionsBuilder[O any, P optionsPointer[O], C Collector] struct {
	defaults O
	newC     func(*Env, O) (C, error)
}

func (b optionsBuilder[O, P, C]) Fields() []Field {
	o := b.defaults
	return P(&o).Fields()
}

func (b optionsBuilder[O, P, C]) New(env *Env, options map[string][]string) (Collector, error) {
	o := b.defaults
	if err := apply(P(&o).Fields(), options); err != nil {
		return nil, err
	}
	return b.newC(env, o)
}
