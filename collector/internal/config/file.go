package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// A File is a configuration file with all that it includes.
type File struct {
	DisableDefaults bool
	Paths           []string // that were read
	Warnings        []string
	overrides
}

// A Section reads a top-level key that this package knows nothing about: a
// mapping of names, each of which may be in one file only.
type Section func(document.Node)

// maxFile is more than any configuration needs.
const maxFile = 4 << 20

// Load reads a configuration file and the files that it includes. Everything
// that is wrong in any of them is told at once.
func Load(path string, specs []collect.Spec, sections map[string]Section) (*File, document.Findings) {
	l := &loader{specs: specs, sections: sections, file: &File{overrides: newOverrides()}, definedAt: map[string]string{}}
	l.load(path, true)
	return l.file, l.findings
}

type loader struct {
	specs     []collect.Spec
	sections  map[string]Section
	file      *File
	findings  document.Findings
	definedAt map[string]string // where each thing was said that may be said once
}

func (l *loader) load(path string, outermost bool) {
	text, err := readFile(path)
	if err != nil {
		l.findings = append(l.findings, document.Finding{File: path, Text: err.Error()})
		return
	}
	l.file.Paths = append(l.file.Paths, path)
	doc := document.Parse(path, text)
	var included []string
	fields := document.Fields{
		"collectors": l.collectors,
		"disable-defaults": func(n document.Node) {
			if l.setOnce(n, "disable-defaults", n) {
				n.Into((*collect.Bool)(&l.file.DisableDefaults))
			}
		},
		"include": func(n document.Node) {
			if !outermost {
				n.Failf("a file that is included cannot include others")
				return
			}
			n.Items(func(item document.Node) { included = append(included, l.include(filepath.Dir(path), item)...) })
		},
	}
	for key, section := range l.sections {
		fields[key] = func(n document.Node) {
			n.Each(func(name string, entry document.Node) { l.setOnce(entry, key+" "+name, entry) })
			section(n)
		}
	}
	doc.Root().Fields(fields)
	l.findings = append(l.findings, doc.Findings()...)
	for _, path := range included {
		l.load(path, false)
	}
}

// readFile returns the text of a file that only its owner's group can change.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("want a regular file, have %v", info.Mode())
	case info.Mode().Perm()&0o002 != 0:
		return nil, fmt.Errorf("everybody may write to this file (%v), and it says what is run: use chmod o-w", info.Mode())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(text) > maxFile {
		return nil, fmt.Errorf("want at most %d bytes", maxFile)
	}
	return text, err
}

// withoutPath returns an error without the path, which every finding has.
func withoutPath(err error) error {
	if e, ok := err.(*os.PathError); ok {
		return e.Err
	}
	return err
}

// include returns the files that a pattern stands for, in the order of their
// names.
func (l *loader) include(dir string, item document.Node) []string {
	pattern := item.Text()
	if pattern == "" {
		return nil
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	paths, err := filepath.Glob(pattern)
	switch {
	case err != nil:
		item.Failf("want a path or a pattern such as conf.d/*.yml, have %q", item.Text())
	case paths == nil && !strings.ContainsAny(pattern, "*?["):
		item.Failf("there is no file %s", pattern)
	}
	return paths
}

// setOnce notes where a thing is said, and finds fault with saying it again.
func (l *loader) setOnce(at document.Node, thing string, place document.Node) bool {
	f := place.At("")
	if where, again := l.definedAt[thing]; again {
		at.Failf("%s is set in %s already", thing, where)
		return false
	}
	l.definedAt[thing] = fmt.Sprintf("%s:%d", f.File, f.Line)
	return true
}

func (l *loader) collectors(n document.Node) {
	n.Each(func(name string, entry document.Node) {
		spec, err := Find(l.specs, name)
		if err != nil {
			entry.Failf("%v", err)
			return
		}
		l.collector(spec, entry)
	})
}

// collector reads what is said of a collector: true or false, or a mapping.
func (l *loader) collector(spec collect.Spec, n document.Node) {
	name := spec.Name
	enable := func(n document.Node) {
		var b collect.Bool
		if n.Into(&b) && l.setOnce(n, "collector "+name+": enabled", n) {
			l.file.enabled[name] = bool(b)
		}
	}
	if !n.Empty() && n.IsScalar() {
		enable(n)
		return
	}
	fields := document.Fields{
		"enabled":  enable,
		"timeout":  l.duration(name, "timeout", l.file.timeout),
		"interval": l.duration(name, "interval", l.file.interval),
	}
	for _, f := range spec.Build.Fields() {
		fields[f.Name] = func(n document.Node) { l.option(spec, f, n) }
	}
	n.Fields(fields)
}

func (l *loader) duration(collector, key string, spans map[string]time.Duration) func(document.Node) {
	return func(n document.Node) {
		var span positiveDuration
		if n.Into(&span) && l.setOnce(n, "collector "+collector+": "+key, n) {
			spans[collector] = time.Duration(span)
		}
	}
}

// option reads an option. One whose flag is that of other collectors too is
// set for all of them.
func (l *loader) option(spec collect.Spec, f collect.Field, n document.Node) {
	if !l.setOnce(n, "the option "+f.FlagName(spec.Name), n) {
		return
	}
	set := func(item document.Node) {
		if !item.Into(f.Value) { // a trial, for the message
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
