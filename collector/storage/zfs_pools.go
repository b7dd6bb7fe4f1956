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

// updatePool emits the files in the directory of a pool. It skips an entry that
// is no directory: there are more files than those of the parts.
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

// updateIO emits the traffic of a pool, which only older releases of OpenZFS
// have, as a line of names and a line of values:
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
	c.report(out, host.Bad(1, "a line of names with nread first", nil))
}

// emitRow emits a line of values below a line of names. It emits none if their
// number is not the same: they cannot be assigned then.
func (t *zfsTable) emitRow(n int, names, values []byte, out *metric.Sink, labels ...string) error {
	if count := scan.Fields(nil, names); scan.Fields(nil, values) != count {
		return host.Bad(n, "a value for each name", values)
	}
	name, names := scan.Field(names)
	value, rest := scan.Field(values)
	var err error
	for i := 0; len(name) > 0; i++ {
		f := t.column(i, name)
		if v, ok := scan.Uint(value); !ok {
			err = host.Bad(n, "unsigned numbers", values)
		} else if f != nil {
			out.Emit(f, float64(v), labels...)
		}
		name, names = scan.Field(names)
		value, rest = scan.Field(rest)
	}
	return err
}

// updateState emits the state of a pool, one word in capitals. An unknown state
// gets a series of its own.
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

// updateObjset emits the traffic of a mounted dataset, whose name is one of the
// values:
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
	// During a rename or a receive two datasets may have the same name.
	dataset, first := c.datasets.name(name)
	if !first {
		c.report(out, host.Bad(n, "a dataset that no other file of the pool has", name))
		return
	}
	c.report(out, c.objset.emitNamed(b, out, c.proc, pool, dataset))
}

// zfsDatasetName returns the name of a dataset and the number of its line, or 0
// if there is none.
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

// zfsDatasets has the names of datasets. It keeps them from one scrape to the
// next, so that a scrape allocates none of them, and detects duplicates in a
// pool.
type zfsDatasets struct {
	byName map[string]*zfsDataset
	pool   uint64 // counts the pools of all scrapes
	count  int    // of datasets in this scrape
}

// A zfsDataset is the name of a dataset with the last pool that had it.
type zfsDataset struct {
	name string
	pool uint64
}

func (d *zfsDatasets) begin() { d.count = 0 }

// beginPool begins the datasets of the next pool.
func (d *zfsDatasets) beginPool() { d.pool++ }

// name returns the name of a dataset, and whether it is the first of that name
// in the pool.
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

// end drops the names if more than half of them are of removed datasets.
func (d *zfsDatasets) end() {
	if len(d.byName) > 2*d.count+64 {
		clear(d.byName)
	}
}
