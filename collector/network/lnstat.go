package network

import (
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var lnstat = collect.Spec{
	Name:              "lnstat",
	Help:              "Statistics of the neighbour tables, routing and connection tracking for each CPU, from /proc/net/stat.",
	Reads:             []string{"/proc/net/stat/*"},
	DisabledByDefault: true,
	NoDataIsSuccess:   true,
	Build:             collect.Plain(newLnstat),
}

// lnstatCollector reads the files of /proc/net/stat, which lnstat(8) prints: a
// line of column names, and then a line of hexadecimal numbers for each possible
// CPU:
//
//	entries  allocs   destroys hash_grows lookups  hits     ...
//	00000002 00000000 00000000 00000000   00000000 00000000 ...
//
// A file is called after its subsystem, such as arp_cache or nf_conntrack.
type lnstatCollector struct {
	proc     *host.Reader
	dir      host.Listing
	families *metric.Keyed    // by column name
	columns  []*metric.Family // of the current file; nil for one that is not exported
	values   []float64        // of the current line
	cpus     []string         // labels, by number
}

func newLnstat(env *collect.Env) *lnstatCollector {
	m := env.Metrics
	declare := func(column, help string) *metric.Family {
		return m.Counter("node_lnstat_"+column+"_total", help, "cpu", "subsystem")
	}
	for _, c := range lnstatColumns() {
		declare(c.name, c.help)
	}
	return &lnstatCollector{
		proc: env.Host.Proc.Reader(),
		families: m.Keyed(func(column string) *metric.Family {
			for _, c := range lnstatColumns() {
				if c.name == column {
					return declare(column, c.help)
				}
			}
			return declare(column, "Column "+column+" of a file in /proc/net/stat.")
		}),
	}
}

func (c *lnstatCollector) Update(_ context.Context, out *metric.Sink) error {
	if _, err := c.proc.List(&c.dir, "net/stat"); err != nil {
		return collect.OrNoData(err)
	}
	for _, file := range c.dir.Entries {
		b, err := c.proc.Read("net/stat", file.Name)
		if host.ReportUnlessGone(err, out.Error) {
			c.emit(file.Name, b, out)
		}
	}
	return nil
}

// emit emits the lines of a file. It reports a malformed line and goes on with
// the next one, which belongs to the next CPU.
func (c *lnstatCollector) emit(subsystem string, b []byte, out *metric.Sink) {
	line, b := scan.Line(b)
	if err := c.setColumns(line); err != nil {
		out.Error(c.proc.At(err))
		return
	}
	want, number := "a hexadecimal number for each column", lnstatHex
	if subsystem == "nf_flowtable" { // the only file with decimal numbers
		want, number = "a number for each column", lnstatDecimal
	}
	for cpu := 0; len(b) > 0; cpu++ {
		line, b = scan.Line(b)
		if !c.setValues(line, number) {
			out.Error(c.proc.At(host.Bad(cpu+2, want, line)))
			continue
		}
		label := c.cpu(cpu)
		for i, f := range c.columns {
			if f != nil {
				out.Emit(f, c.values[i], label, subsystem)
			}
		}
	}
}

// setColumns parses the column names.
func (c *lnstatCollector) setColumns(line []byte) error {
	c.columns = c.columns[:0]
	for name, rest := scan.Field(line); len(name) > 0; name, rest = scan.Field(rest) {
		if !isColumnName(name) {
			return host.Bad(1, "column names", line)
		}
		f := c.families.Family(name)
		for _, other := range c.columns {
			if f == other {
				f = nil // a repeated name is exported once
				break
			}
		}
		c.columns = append(c.columns, f)
	}
	return nil
}

// isColumnName reports whether a word starts with a lower-case letter and
// consists of such letters, digits and underscores.
func isColumnName(word []byte) bool {
	for i, b := range word {
		if (b < 'a' || b > 'z') && (i == 0 || (b < '0' || b > '9') && b != '_') {
			return false
		}
	}
	return true
}

// setValues parses the numbers of a line, and reports whether there is one for
// each column.
func (c *lnstatCollector) setValues(line []byte, number func([]byte) (float64, bool)) bool {
	c.values = c.values[:0]
	for field, rest := scan.Field(line); len(field) > 0; field, rest = scan.Field(rest) {
		v, ok := number(field)
		if !ok || len(c.values) == len(c.columns) {
			return false
		}
		c.values = append(c.values, v)
	}
	return len(c.values) == len(c.columns)
}

func lnstatHex(field []byte) (float64, bool) {
	v, ok := scan.Hex(field)
	return float64(v), ok
}

// lnstatDecimal parses a number that can be negative: the kernel may count work
// as queued on one CPU and as done on another.
func lnstatDecimal(field []byte) (float64, bool) {
	v, ok := scan.Int(field)
	return float64(v), ok
}

// cpu returns the label of a CPU.
func (c *lnstatCollector) cpu(number int) string {
	for len(c.cpus) <= number {
		c.cpus = append(c.cpus, strconv.Itoa(len(c.cpus)))
	}
	return c.cpus[number]
}
