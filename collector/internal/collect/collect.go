// Package collect says what a collector is: a data sheet (Spec), one method
// (Collector), what it may use (Env), and what the exporter makes of the three
// (Unit).
package collect

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Collector reads part of the host and emits samples.
type Collector interface {
	// Update reads once and emits to out, in any order. It is never called
	// twice at the same time, so that caches can be plain fields. It may block:
	// the caller stops waiting at the deadline of ctx and drops what was
	// emitted. ctx tells its deadline but is not done by itself; use
	// context.WithDeadline for a call that can be cancelled.
	//
	// A part that cannot be read is told with out.Error, and the rest goes on. A
	// returned error means that nothing more can be read; what was emitted
	// before is served all the same. ErrNoData means "not on this host".
	Update(ctx context.Context, out *metric.Sink) error
}

// ErrNoData says that a host does not have what a collector reads. It is not a
// fault.
var ErrNoData = errors.New("no data")

// OrNoData returns ErrNoData for an error that says that something is not
// there, and other errors as they are: for the one file, or folder, without
// which a collector has nothing to read.
func OrNoData(err error) error {
	if host.Gone(err) {
		return &noDataError{err}
	}
	return err
}

type noDataError struct{ err error }

func (e *noDataError) Error() string   { return "no data: " + e.err.Error() }
func (e *noDataError) Unwrap() []error { return []error{ErrNoData, e.err} }

// DefaultTimeout is how long a collector may take where its Spec says nothing.
const DefaultTimeout = 5 * time.Second

// A Spec is a collector's data sheet. It is immutable.
type Spec struct {
	Name              string        // of the flag, the file, the fixture, the section in the docs
	Help              string        // one sentence
	Reads             []string      // kernel files, as paths with wildcards: docs, recorder, sandbox profile
	OptionalReads     []string      // more files that are read only if an option says so, because to read them costs or risks something: docs and sandbox profile, but no recorder
	Needs             string        // what it takes to read them, where that is more than an ordinary user has
	DisabledByDefault bool          // off unless asked for
	NoDataIsSuccess   bool          // node_exporter calls it success when there is nothing to read, so that alerts expect it
	Timeout           time.Duration // zero: DefaultTimeout
	Build             Builder       // Plain(newX) or With(xOptions{defaults}, newX)
}

// A Domain is a part of the host, and the folder of the collectors that watch
// it.
type Domain struct {
	Name  string
	Specs []Spec
}

// Specs returns the data sheets of some domains, in their order.
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

	// Reserved reports whether a name belongs to a collector or to the
	// exporter itself: what comes from outside must not take it.
	Reserved func(name string) bool
}

// A Builder makes collectors of one kind. Building does no I/O: a file that
// is missing is an answer to a scrape, not to a start.
type Builder interface {
	// Fields returns the options with their default values.
	Fields() []Field
	// New builds a collector with the given options, by Field.Name; each may
	// have been set more than once.
	New(env *Env, set map[string][]string) (Collector, error)
}

// Plain is the Builder of a collector without options.
func Plain[C Collector](newC func(*Env) C) Builder { return plainBuilder[C]{newC} }

type plainBuilder[C Collector] struct{ newC func(*Env) C }

func (p plainBuilder[C]) Fields() []Field { return nil }

func (p plainBuilder[C]) New(env *Env, set map[string][]string) (Collector, error) {
	if err := apply(nil, set); err != nil {
		return nil, err
	}
	return p.newC(env), nil
}

// optionsPointer is a struct of options that can list itself.
type optionsPointer[O any] interface {
	*O
	Fields() []Field
}

// With is the Builder of a collector with options. The constructor may refuse
// options that do not go together.
func With[O any, P optionsPointer[O], C Collector](defaults O, newC func(*Env, O) (C, error)) Builder {
	return optionsBuilder[O, P, C]{defaults, newC}
}

type optionsBuilder[O any, P optionsPointer[O], C Collector] struct {
	defaults O
	newC     func(*Env, O) (C, error)
}

func (w optionsBuilder[O, P, C]) Fields() []Field {
	o := w.defaults
	return P(&o).Fields()
}

func (w optionsBuilder[O, P, C]) New(env *Env, set map[string][]string) (Collector, error) {
	o := w.defaults
	if err := apply(P(&o).Fields(), set); err != nil {
		return nil, err
	}
	return w.newC(env, o)
}
