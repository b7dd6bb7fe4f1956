package metric

import (
	"slices"
	"strings"
	"sync"

	dto "github.com/prometheus/client_model/go"
)

// A Set holds the families of one collector. The collector's constructor
// declares them; those whose names come from the kernel are declared by a Keyed
// when they are first read. A Set is safe for concurrent use.
type Set struct {
	mu       sync.RWMutex
	families []*Family
	byName   map[string]*Family
	dynamic  bool

	hasOptional bool
}

// NewSet returns an empty set.
func NewSet() *Set { return &Set{byName: map[string]*Family{}} }

// Counter declares a family of counters: values that never decrease, except at
// a reset.
func (s *Set) Counter(name, help string, labels ...string) *Family {
	return s.declare(dto.MetricType_COUNTER, name, help, labels)
}

// Gauge declares a family of gauges: values that can decrease.
func (s *Set) Gauge(name, help string, labels ...string) *Family {
	return s.declare(dto.MetricType_GAUGE, name, help, labels)
}

// Untyped declares a family without a type. It is only for inherited names.
func (s *Set) Untyped(name, help string, labels ...string) *Family {
	return s.declare(dto.MetricType_UNTYPED, name, help, labels)
}

// declare returns the family with a name, which it declares if it does not
// exist. It panics if it exists with another type or other labels: that is a
// bug in the collector.
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
	f := &Family{name: name, help: cleanHelp(help), typ: typ, labels: labels, index: len(s.families)}
	s.families = append(s.families, f)
	s.byName[name] = f
	return f
}

// OmitEmpty makes labels of a family optional: a sample for which one of them is
// empty does not have it. It is only for inherited families; to Prometheus both
// are the same.
func (s *Set) OmitEmpty(f *Family, labels ...string) {
	s.hasOptional = true
	f.optional = make([]bool, len(f.labels))
	for i, label := range f.labels {
		f.optional[i] = slices.Contains(labels, label)
	}
}

// Families returns the declared families in the order of declaration.
func (s *Set) Families() []*Family {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.families[:len(s.families):len(s.families)]
}

// Has reports whether a family with a name is declared.
func (s *Set) Has(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byName[name] != nil
}

// AllowDynamic allows a collector to declare families, or to emit external
// ones, during a run: client_golang cannot know them in advance.
func (s *Set) AllowDynamic() { s.dynamic = true }

// IsDynamic reports whether AllowDynamic was called.
func (s *Set) IsDynamic() bool { return s.dynamic }

// IsFixed reports whether the descriptions of the declared families are all that
// a collector can have: it declares none later, and has no optional labels, of
// which each combination is a description of its own.
func (s *Set) IsFixed() bool { return !s.dynamic && !s.hasOptional }

// A Keyed holds families by a key from the kernel, such as the words of
// /proc/meminfo. Looking up a key again does not allocate. Like the collector
// that owns it, it is not for concurrent use.
type Keyed struct {
	declare  func(key string) *Family
	families map[string]*Family
}

// Keyed returns an empty Keyed, which calls declare once for each key. If
// declare returns nil, the key is not exported.
func (s *Set) Keyed(declare func(key string) *Family) *Keyed {
	s.AllowDynamic()
	return &Keyed{declare: declare, families: map[string]*Family{}}
}

// Family returns the family of a key, or nil if it is not exported.
func (k *Keyed) Family(key []byte) *Family {
	f, ok := k.families[string(key)]
	if !ok {
		f = k.declare(string(key))
		k.families[string(key)] = f
	}
	return f
}
