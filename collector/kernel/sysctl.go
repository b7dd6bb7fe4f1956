package kernel

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var sysctl = collect.Spec{
	Name: "sysctl",
	Help: "Sysctls that options name, as numbers or as labels.",
	OptionalReads: []string{
		"/proc/sys/*/*",
		"/proc/sys/*/*/*",
		"/proc/sys/*/*/*/*",
		"/proc/sys/*/*/*/*/*",
		"/proc/sys/*/*/*/*/*/*",
	},
	DisabledByDefault: true,
	Build:             collect.With(sysctlOptions{}, newSysctl),
}

type sysctlOptions struct{ Include, IncludeInfo collect.Strings }

func (o *sysctlOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "include", Help: "Sysctl whose numbers to export, as NAME or NAME:FIELD,FIELD; may be repeated.", Value: &o.Include, Placeholder: "SYSCTL"},
		{Name: "include-info", Help: "Sysctl whose words to export as labels, as NAME or NAME:FIELD,FIELD; may be repeated.", Value: &o.IncludeInfo, Placeholder: "SYSCTL"},
	}
}

// sysctlCollector reads files below /proc/sys, which have one value or several
// separated by blanks:
//
//	4096	131072	6291456
//
// The numbers of net.ipv4.tcp_rmem are node_sysctl_net_ipv4_tcp_rmem with the label
// index, those of net.ipv4.tcp_rmem:min,default,max are families of their own, such
// as node_sysctl_net_ipv4_tcp_rmem_min. See https://docs.kernel.org/admin-guide/sysctl/.
type sysctlCollector struct {
	proc    *host.Reader
	metrics *metric.Set
	info    *metric.Family
	entries []*sysctlEntry
	values  [][]byte // buffer
}

// A sysctlEntry is a sysctl of an option.
type sysctlEntry struct {
	name   string   // such as net.ipv4.tcp_rmem
	path   string   // such as net/ipv4/tcp_rmem
	fields []string // names of the values; nil if they have none
	isInfo bool

	families []*metric.Family // of numbers: of each field, or one
	indexed  bool             // whether the one has the label index
}

func newSysctl(env *collect.Env, o sysctlOptions) (*sysctlCollector, error) {
	m := env.Metrics
	m.AllowDynamic() // the number of values decides whether a family has the label index
	c := &sysctlCollector{
		proc:    env.Host.Proc.Reader(),
		metrics: m,
		info:    m.Gauge("node_sysctl_info", "Always 1; a value of a sysctl, by its index or field.", "name", "value", "index"),
	}
	owners := map[string]string{c.info.Name(): "include-info"}
	for i, option := range [][]string{o.Include.All(), o.IncludeInfo.All()} {
		for j, text := range option {
			if slices.Contains(option[:j], text) {
				continue
			}
			e, err := parseSysctlOption(text)
			if err != nil {
				return nil, err
			}
			e.isInfo = i == 1
			for _, name := range e.familyNames() {
				if other, taken := owners[name]; taken {
					return nil, fmt.Errorf("%s and %s would both be %s", other, text, name)
				}
				owners[name] = text
			}
			if !e.isInfo {
				for k, field := range e.fields {
					e.families = append(e.families, m.Untyped(e.familyNames()[k], "Sysctl "+e.name+", field "+field+"."))
				}
			}
			c.entries = append(c.entries, e)
		}
	}
	return c, nil
}

// parseSysctlOption parses NAME or NAME:FIELD,FIELD.
func parseSysctlOption(text string) (*sysctlEntry, error) {
	name, fields, named := strings.Cut(text, ":")
	e := &sysctlEntry{name: name, path: sysctlPath(name)}
	for element := range strings.SplitSeq(e.path, "/") {
		if element == "" || element == "." || element == ".." {
			return nil, fmt.Errorf("want a sysctl such as kernel.pid_max or net.ipv4.tcp_rmem:min,default,max, have %q", text)
		}
	}
	if !strings.Contains(e.path, "/") {
		return nil, fmt.Errorf("want a sysctl such as kernel.pid_max, have the directory %q", text)
	}
	if named {
		e.fields = strings.Split(fields, ",")
		if slices.Contains(e.fields, "") {
			return nil, fmt.Errorf("want names of fields such as net.ipv4.tcp_rmem:min,default,max, have %q", text)
		}
	}
	return e, nil
}

// sysctlPath returns the path of a sysctl below /proc/sys. As in sysctl(8), the
// first separator decides: net.ipv4.conf.eth0/1.forwarding is, like
// net/ipv4/conf/eth0.1/forwarding, of the interface eth0.1.
func sysctlPath(name string) string {
	if i := strings.IndexAny(name, "./"); i < 0 || name[i] == '/' {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, name)
}

// familyNames returns the names of the families of a sysctl of numbers.
func (e *sysctlEntry) familyNames() []string {
	if e.isInfo {
		return nil
	}
	name := "node_sysctl_" + sysctlMetricName(e.name)
	if e.fields == nil {
		return []string{name}
	}
	var names []string
	for _, field := range e.fields {
		names = append(names, name+"_"+sysctlMetricName(field))
	}
	return names
}

// sysctlMetricName replaces what cannot be a part of a metric name.
func sysctlMetricName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, s)
}

func (c *sysctlCollector) Update(_ context.Context, out *metric.Sink) error {
	for _, e := range c.entries {
		// A name with a mistake must not look like a host without that sysctl: an
		// absent file is an error, too.
		b, err := c.proc.Read("sys", e.path)
		if err != nil {
			out.Error(err)
			continue
		}
		c.values = c.values[:0]
		for value, rest := scan.Field(b); len(value) > 0; value, rest = scan.Field(rest) {
			c.values = append(c.values, value)
		}
		switch {
		case e.fields != nil && len(c.values) != len(e.fields):
			err = host.Bad(1, strconv.Itoa(len(e.fields))+" values", b)
		case e.isInfo:
			c.emitInfo(out, e)
		default:
			err = c.emitNumbers(out, e, b)
		}
		if err != nil {
			out.Error(c.proc.At(err))
		}
	}
	return nil
}

// emitInfo emits the values as labels. No value is one, too: the empty one.
func (c *sysctlCollector) emitInfo(out *metric.Sink, e *sysctlEntry) {
	if len(c.values) == 0 {
		out.Emit(c.info, 1, e.name, "", "")
	}
	for i, value := range c.values {
		index := strconv.Itoa(i)
		if e.fields != nil {
			index = e.fields[i]
		}
		out.Emit(c.info, 1, e.name, string(value), index)
	}
}

func (c *sysctlCollector) emitNumbers(out *metric.Sink, e *sysctlEntry, b []byte) error {
	for _, value := range c.values {
		if _, ok := parseSysctlNumber(value); !ok {
			return host.Bad(1, "whole numbers (of words, include-info makes labels)", b)
		}
	}
	if err := e.declare(c.metrics, len(c.values), b); err != nil {
		return err
	}
	for i, value := range c.values {
		number, _ := parseSysctlNumber(value)
		switch {
		case e.fields != nil:
			out.Emit(e.families[i], number)
		case e.indexed:
			out.Emit(e.families[0], number, strconv.Itoa(i))
		default:
			out.Emit(e.families[0], number)
		}
	}
	return nil
}

// declare declares the family of a sysctl without names of fields at its first
// reading. The number of values must not become one, or several, later.
func (e *sysctlEntry) declare(m *metric.Set, values int, b []byte) error {
	switch {
	case values == 0:
		return host.Bad(1, "a number", b)
	case e.fields != nil:
		return nil
	case e.families == nil && values == 1:
		e.families = []*metric.Family{m.Untyped(e.familyNames()[0], "Sysctl "+e.name+".")}
	case e.families == nil:
		e.indexed = true
		e.families = []*metric.Family{m.Untyped(e.familyNames()[0], "Sysctl "+e.name+", by the index of the value.", "index")}
	case e.indexed && values == 1:
		return host.Bad(1, "several values as before", b)
	case !e.indexed && values > 1:
		return host.Bad(1, "one value as before", b)
	}
	return nil
}

// parseSysctlNumber parses a decimal number, or a hexadecimal one after 0x. Other
// numbers that start with 0 may be of any base: a mask of CPUs is hexadecimal.
func parseSysctlNumber(b []byte) (float64, bool) {
	if len(b) > 1 && b[0] == '0' {
		if b[1] != 'x' {
			return 0, false
		}
		v, ok := scan.Hex(b)
		return float64(v), ok
	}
	if v, ok := scan.Uint(b); ok {
		return float64(v), true
	}
	v, ok := scan.Int(b)
	return float64(v), ok
}
