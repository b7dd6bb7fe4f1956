// Package metric defines what a collector emits: the families that it declares
// (Set), the sink for its samples (Sink), and the two roads from there. On the
// fast road a sample is a number and the text of its series, which is that of
// the last run if it had the same series. On the ordinary road it becomes a
// prometheus.Metric. Every fixture is read on both roads and compared. The
// package knows nothing of collectors and HTTP.
package metric

import (
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A Family is one declared metric family.
type Family struct {
	name   string
	help   string
	typ    dto.MetricType
	labels []string

	optional []bool // by label: whether samples do not have it while it is empty; nil: no label
	index    int    // in Set.families and Sink.buffers
	excess   bool   // dropped in the next run that has a limit; of Guard and Finish

	// Of the families that a host has no samples of, these are nil.
	text atomic.Pointer[familyText]
	desc atomic.Pointer[prometheus.Desc]
}

// A familyText is what all samples of a family have in common in the text format.
type familyText struct {
	header []byte   // the HELP and TYPE lines
	leads  [][]byte // the text before each label value, and before the value
}

// textOf returns the text of a family.
func (f *Family) textOf() *familyText {
	if t := f.text.Load(); t != nil {
		return t
	}
	t := &familyText{header: appendHeader(nil, f.name, f.help, f.Type())}
	lead := f.name
	for i, label := range f.labels {
		if i == 0 {
			lead += "{" + label + `="`
		} else {
			lead += `",` + label + `="`
		}
		t.leads = append(t.leads, []byte(lead))
		lead = ""
	}
	if len(f.labels) > 0 {
		lead = `"}`
	}
	t.leads = append(t.leads, []byte(lead+" "))
	f.text.Store(t)
	return t
}

// Name returns the family's name.
func (f *Family) Name() string { return f.name }

// Help returns the family's help text.
func (f *Family) Help() string { return f.help }

// Type returns the family's type as in the text format, such as counter.
func (f *Family) Type() string { return strings.ToLower(f.typ.String()) }

// Labels returns the names of the family's labels.
func (f *Family) Labels() []string { return f.labels }

// Desc returns the family's description for client_golang.
func (f *Family) Desc() *prometheus.Desc {
	if d := f.desc.Load(); d != nil {
		return d
	}
	f.desc.CompareAndSwap(nil, prometheus.NewDesc(f.name, f.help, f.labels, nil))
	return f.desc.Load()
}
