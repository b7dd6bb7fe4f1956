package storage

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// updatePool reads the folder of a pool, or nothing when it is none: there are
// files beside those of the parts.
func (c *zfsCollector) updatePool(pool string, out *metric.Sink) {
	names, err := c.proc.Names(zfsDir, pool)
	switch {
	case errors.Is(err, unix.ENOTDIR) || host.Gone(err):
		return
	case err != nil:
		out.Error(err)
		return
	}
	c.datasets.beginPool()
	for _, name := range names {
		switch {
		case name == "io":
			c.updateIO(pool, out)
		case name == "state":
			c.updateState(pool, out)
		case strings.HasPrefix(name, "objset-"):
			c.updateObjset(pool, name, out)
		}
	}
}

// updateIO reads the traffic of a pool, which older releases of OpenZFS
// count, as a line of names and a line of values:
//
//	nread    nwritten reads    writes   wtime    ...
//	1884160  3206144  22       132      7155162  ...
func (c *zfsCollector) updateIO(pool string, out *metric.Sink) {
	b, ok := c.read(pool, "io", out)
	if !ok {
		return
	}
	for n := 1; len(b) > 0; n++ {
		var names []byte
		names, b = scan.Line(b)
		if first, _ := scan.Field(names); string(first) == "nread" {
			values, _ := scan.Line(b)
			c.report(out, c.io.emitRow(n+1, names, values, out, pool))
			return
		}
	}
	c.report(out, host.Bad(1, "a line of names from nread on", nil))
}

// emitRow emits a line of values below a line of names. When their number is
// not the same, nobody can tell which is which.
func (t *zfsTable) emitRow(n int, names, values []byte, out *metric.Sink, labels ...string) error {
	if count := scan.Fields(nil, names); scan.Fields(nil, values) != count {
		return host.Bad(n, "as many values as names", values)
	}
	name, names := scan.Field(names)
	value, rest := scan.Field(values)
	var bad error
	for i := 0; len(name) > 0; i++ {
		f := t.column(i, name)
		if v, ok := scan.Uint(value); !ok {
			bad = host.Bad(n, "unsigned numbers", values)
		} else if f != nil {
			out.Emit(f, float64(v), labels...)
		}
		name, names = scan.Field(names)
		value, rest = scan.Field(rest)
	}
	return bad
}

// updateState reads the state of a pool, one word in capitals. One that is not
// on the list gets a series of its own.
func (c *zfsCollector) updateState(pool string, out *metric.Sink) {
	b, ok := c.read(pool, "state", out)
	if !ok {
		return
	}
	state, ok := parseZFSState(b)
	if !ok {
		c.report(out, host.Bad(1, "the state of a pool", b))
		return
	}
	for _, s := range c.states {
		out.Bool(c.state, s == state, pool, s)
	}
	if !slices.Contains(c.states, state) {
		out.Emit(c.state, 1, pool, state)
	}
}

func parseZFSState(b []byte) (string, bool) {
	word := strings.ToLower(string(scan.Trim(b)))
	for _, r := range word {
		if r < 'a' || r > 'z' {
			return "", false
		}
	}
	return word, word != ""
}

// updateObjset reads the traffic of a dataset that is mounted, whose name is
// the first of its values:
//
//	name                            type data
//	dataset_name                    7    tank/home
//	writes                          4    4
func (c *zfsCollector) updateObjset(pool, file string, out *metric.Sink) {
	b, ok := c.read(pool, file, out)
	if !ok {
		return
	}
	name, n := zfsDatasetName(b)
	if n == 0 {
		c.report(out, host.Bad(1, "the name of a dataset", b))
		return
	}
	// While a dataset is renamed or received, two may go by one name.
	dataset, first := c.datasets.name(name)
	if !first {
		c.report(out, host.Bad(n, "a dataset that was not there before", name))
		return
	}
	c.report(out, c.objset.emitNamed(b, out, c.proc, pool, dataset))
}

// zfsDatasetName returns the name of a dataset and the line that it is in,
// which is 0 when there is none.
func zfsDatasetName(b []byte) (name []byte, line int) {
	b, n := kstatBody(b)
	for ; len(b) > 0; n++ {
		var l []byte
		l, b = scan.Line(b)
		if k := parseKstatLine(l); string(k.name) == "dataset_name" && len(k.data) > 0 {
			return k.data, n
		}
	}
	return nil, 0
}

// zfsDatasets are the names of datasets. They are kept from one reading to the
// next, so that thousands of them are not made anew, and tell which one a pool
// has twice.
type zfsDatasets struct {
	byName map[string]*zfsDataset
	pool   uint64 // counts the pools
	count  int    // of datasets in the reading in hand
}

// A zfsDataset is a name, and the round that it was seen in last.
type zfsDataset struct {
	name string
	pool uint64
}

func (d *zfsDatasets) begin() { d.count = 0 }

// beginPool says that what follows are the datasets of another pool.
func (d *zfsDatasets) beginPool() { d.pool++ }

// name returns the name of a dataset, and reports whether it is the pool's
// first of that name.
func (d *zfsDatasets) name(b []byte) (string, bool) {
	s := d.byName[string(b)]
	if s == nil {
		s = &zfsDataset{name: string(b)}
		d.byName[s.name] = s
	}
	first := s.pool != d.pool
	s.pool = d.pool
	d.count++
	return s.name, first
}

// end forgets the names when most are of datasets that are gone.
func (d *zfsDatasets) end() {
	if len(d.byName) > 2*d.count+64 {
		clear(d.byName)
	}
}
