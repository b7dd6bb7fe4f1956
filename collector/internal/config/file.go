package config

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/trust"
)

// A File is a configuration file with the files that it includes.
type File struct {
	DisableDefaults bool
	Paths           []string // of all files
	Folders         []string // that include names, with patterns, whether or not they have a file
	Warnings        []string
	places          map[string]string // path and line of each setting
	overrides
}

// Place returns the path and the line of an entry of a section, such as a check
// by its name. It is empty if no file has it.
func (f *File) Place(section, name string) string { return f.places[section+" "+name] }

// A Section reads the value of a top-level key of another package: a mapping of
// names, each of which may be in one file only.
type Section func(document.Node)

// maxFile is the maximum size of a configuration file in bytes.
const maxFile = 4 << 20

// Load reads a configuration file and the files that it includes. All errors
// are reported together.
func Load(path string, specs []collect.Spec, sections map[string]Section) (*File, document.Findings) {
	l := &loader{specs: specs, sections: sections, file: &File{overrides: newOverrides(), places: map[string]string{}}}
	l.load(path, true)
	return l.file, l.findings
}

type loader struct {
	specs    []collect.Spec
	sections map[string]Section
	file     *File
	findings document.Findings
}

func (l *loader) load(path string, mayInclude bool) {
	text, err := readFile(path)
	if err != nil {
		l.findings = append(l.findings, document.Finding{File: path, Text: strings.TrimPrefix(err.Error(), path+": ")})
		return
	}
	l.file.Paths = append(l.file.Paths, path)
	doc := document.Parse(path, text)
	var included []string
	fields := document.Fields{
		"collectors": l.collectors,
		"disable-defaults": func(n document.Node) {
			if l.setOnce(n, "disable-defaults") {
				n.Into((*collect.Bool)(&l.file.DisableDefaults))
			}
		},
		"max-series": l.maxSeries(allCollectors, "max-series"),
		"include": func(n document.Node) {
			if !mayInclude {
				n.Failf("an included file cannot include others")
				return
			}
			n.Items(func(item document.Node) { included = append(included, l.include(filepath.Dir(path), item)...) })
		},
	}
	for key, section := range l.sections {
		fields[key] = func(n document.Node) {
			n.Each(func(name string, entry document.Node) { l.setOnce(entry, key+" "+name) })
			section(n)
		}
	}
	doc.Root().Fields(fields)
	l.findings = append(l.findings, doc.Findings()...)
	for _, path := range included {
		l.load(path, false)
	}
}

// readFile returns the text of a file that only root and the exporter's user can
// change: a configuration file names the commands to run.
func readFile(path string) ([]byte, error) {
	f, err := trust.NewRule().Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(text) > maxFile {
		return nil, fmt.Errorf("want at most %d bytes", maxFile)
	}
	return text, err
}

// include returns the paths that match a pattern, sorted.
func (l *loader) include(dir string, item document.Node) []string {
	pattern := item.Text()
	if pattern == "" {
		return nil
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	l.file.Folders = append(l.file.Folders, filepath.Dir(pattern))
	paths, err := filepath.Glob(pattern)
	switch {
	case err != nil:
		item.Failf("want a path or a pattern such as conf.d/*.yml, have %q", item.Text())
	case paths == nil && !strings.ContainsAny(pattern, "*?["):
		item.Failf("no such file: %s", pattern)
	}
	return paths
}

// setOnce records that n sets a setting, and reports whether it is the first to
// do so. If it is not, that is a finding.
func (l *loader) setOnce(n document.Node, setting string) bool {
	if place, ok := l.file.places[setting]; ok {
		n.Failf("%s is already set in %s", setting, document.Public(place))
		return false
	}
	f := n.At("")
	l.file.places[setting] = fmt.Sprintf("%s:%d", f.File, f.Line)
	return true
}

func (l *loader) collectors(n document.Node) {
	n.Each(func(name string, entry document.Node) {
		spec, err := Find(l.specs, name)
		if err != nil {
			entry.Failf("unknown collector %q%s", name, document.Public(document.Suggest(name, Names(l.specs))))
			return
		}
		l.collector(spec, entry)
	})
}

// collector reads the value of a collector's key: a boolean, or a mapping.
func (l *loader) collector(spec collect.Spec, n document.Node) {
	name := spec.Name
	enable := func(n document.Node) {
		var b collect.Bool
		if n.Into(&b) && l.setOnce(n, "collector "+name+": enabled") {
			l.file.enabled[name] = bool(b)
		}
	}
	if !n.Empty() && n.IsScalar() {
		enable(n)
		return
	}
	fields := document.Fields{
		"enabled":    enable,
		"timeout":    l.duration(name, "timeout", l.file.timeout),
		"interval":   l.duration(name, "interval", l.file.interval),
		"max-series": l.maxSeries(name, "collector "+name+": max-series"),
	}
	for _, f := range spec.Build.Fields() {
		fields[f.Name] = func(n document.Node) { l.option(spec, f, n) }
	}
	n.Fields(fields)
}

func (l *loader) duration(collector, key string, durations map[string]time.Duration) func(document.Node) {
	return func(n document.Node) {
		var d positiveDuration
		if n.Into(&d) && l.setOnce(n, "collector "+collector+": "+key) {
			durations[collector] = time.Duration(d)
		}
	}
}

func (l *loader) maxSeries(collector, setting string) func(document.Node) {
	return func(n document.Node) {
		var count seriesCount
		if n.Into(&count) && l.setOnce(n, setting) {
			l.file.maxSeries[collector] = int(count)
		}
	}
}

// option reads an option. If several collectors have its flag, it is set for
// all of them.
func (l *loader) option(spec collect.Spec, f collect.Field, n document.Node) {
	if !l.setOnce(n, "the option "+f.FlagName(spec.Name)) {
		return
	}
	set := func(item document.Node) {
		if !item.Into(f.Value) { // reports a value that the option rejects
			return
		}
		for _, s := range l.specs {
			for _, same := range s.Build.Fields() {
				if same.FlagName(s.Name) == f.FlagName(spec.Name) {
					l.file.add(s.Name, same.Name, item.Text())
				}
			}
		}
	}
	if collect.IsList(f.Value) {
		n.Items(set)
		return
	}
	set(n)
}
