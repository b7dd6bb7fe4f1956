// Package metric is what a sample is: families that a collector declares, a
// sink that it emits to, and the two roads from there. On the fast road a
// sample is rendered as text at once, into a buffer that the next scrape
// reuses. On the ordinary road it becomes a prometheus.Metric. Every fixture
// is read on both roads and compared, so that they cannot drift apart.
package metric

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A Family is the handle of one declared metric family.
type Family struct {
	name   string
	help   string
	typ    dto.MetricType
	labels []string

	index  int      // in its Set, and in the buffers of a Sink
	header []byte   // the HELP and TYPE lines
	leads  [][]byte // the text before each label value, and before the value

	desc *prometheus.Desc
}

// Name returns the family's name.
func (f *Family) Name() string { return f.name }

// Help returns the family's help text.
func (f *Family) Help() string { return f.help }

// Type returns the family's type in the words of the text format.
func (f *Family) Type() string { return strings.ToLower(f.typ.String()) }

// Labels returns the names of the family's labels.
func (f *Family) Labels() []string { return f.labels }

// Desc returns what client_golang knows the family by.
func (f *Family) Desc() *prometheus.Desc { return f.desc }

// A Set holds the families of one collector. Families are usually declared by
// the collector's constructor; where the kernel makes up names, a Keyed
// declares them when they are first seen. A Set is safe for concurrent use.
type Set struct {
	mu       sync.RWMutex
	families []*Family
	byName   map[string]*Family
	dynamic  bool
}

// NewSet returns an empty set.
func NewSet() *Set { return &Set{byName: map[string]*Family{}} }

// Counter declares a family of counters: values that only go up, but for
// resets.
func (s *Set) Counter(name, help string, labels ...string) *Family {
	return s.declare(dto.MetricType_COUNTER, name, help, labels)
}

// Gauge declares a family of gauges: values that go up and down.
func (s *Set) Gauge(name, help string, labels ...string) *Family {
	return s.declare(dto.MetricType_GAUGE, name, help, labels)
}

// Untyped declares a family whose kind is not known: for inherited names only.
func (s *Set) Untyped(name, help string, labels ...string) *Family {
	return s.declare(dto.MetricType_UNTYPED, name, help, labels)
}

// declare returns the family of that name, new or known. Declaring one name
// with two types or label sets is a mistake in the collector, and panics.
func (s *Set) declare(typ dto.MetricType, name, help string, labels []string) *Family {
	name = cleanName(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.byName[name]; f != nil {
		if f.typ != typ || strings.Join(f.labels, ",") != strings.Join(labels, ",") {
			panic("metric: " + name + " is declared twice, with different types or labels")
		}
		return f
	}
	help = cleanHelp(help)
	f := &Family{name: name, help: help, typ: typ, labels: labels, index: len(s.families)}
	f.header = appendHeader(nil, name, help, f.Type())
	lead := name
	for i, label := range labels {
		if i == 0 {
			lead += "{" + label + `="`
		} else {
			lead += `",` + label + `="`
		}
		f.leads = append(f.leads, []byte(lead))
		lead = ""
	}
	if len(labels) > 0 {
		lead = `"}`
	}
	f.leads = append(f.leads, []byte(lead+" "))
	f.desc = prometheus.NewDesc(name, help, labels, nil)
	s.families = append(s.families, f)
	s.byName[name] = f
	return f
}

// Families returns what is declared so far, in the order of declaration.
func (s *Set) Families() []*Family {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.families[:len(s.families):len(s.families)]
}

// Has reports whether a family of that name is declared.
func (s *Set) Has(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byName[name] != nil
}

// AllowDynamic says that families are declared while samples are read, so that the
// set cannot be described before.
func (s *Set) AllowDynamic() { s.dynamic = true }

// IsDynamic reports whether Open was called.
func (s *Set) IsDynamic() bool { return s.dynamic }

// A Keyed holds families by a key that the kernel invents, such as the words
// of /proc/meminfo. Looking up a known key does not allocate. Like the
// collector that owns it, it is not for concurrent use.
type Keyed struct {
	declare func(key string) *Family
	known   map[string]*Family
}

// Keyed returns an empty table that calls declare when a key is seen for the
// first time. Where declare returns nil the key is not exported, and that is
// remembered too.
func (s *Set) Keyed(declare func(key string) *Family) *Keyed {
	s.AllowDynamic()
	return &Keyed{declare: declare, known: map[string]*Family{}}
}

// Family returns the family of a key, or nil when it is not exported.
func (k *Keyed) Family(key []byte) *Family {
	f, ok := k.known[string(key)]
	if !ok {
		f = k.declare(string(key))
		k.known[string(key)] = f
	}
	return f
}
