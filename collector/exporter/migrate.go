package exporter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/migrate"
)

// MigrateOptions are the input of Migrate. Exactly one of Files and Args is set.
type MigrateOptions struct {
	Files  []string // an environment file, a systemd unit, or a manifest of Kubernetes
	Args   []string // arguments of node_exporter
	Format string   // flags, config for a configuration file, or environment for a file of HOST_EXPORTER_OPTS
	Debian string   // whether the defaults of Debian's package apply: yes, no, or auto
	Flags  []Flag   // of the program, in addition to those of NewSettings
}

// migrateFiles are where packages and the installation guides of node_exporter
// keep its arguments.
var migrateFiles = [...]string{
	"/etc/default/prometheus-node-exporter",
	"/etc/default/node_exporter",
	"/etc/sysconfig/node_exporter",
	"/etc/sysconfig/prometheus-node-exporter",
	"/etc/systemd/system/node_exporter.service",
}

// Migrate writes the flags, or the configuration file, with which host_exporter
// does what a node_exporter with the given arguments does, with a comment for
// everything that differs. The error reports arguments that have no counterpart;
// they are comments in the output.
func Migrate(out io.Writer, o MigrateOptions) error {
	source, err := readMigrateSource(&o)
	if err != nil {
		return err
	}
	settings, flags := NewSettings()
	flags = append(flags, o.Flags...)
	var defaults []migrate.Argument
	if o.Debian == "yes" || o.Debian == "auto" && source.IsDebian() {
		defaults = migrate.Debian()
	}
	r := migrate.Translate(source.Args, defaults, func(name string) (migrate.Flag, bool) {
		for _, f := range flags {
			if f.Name == name {
				return migrate.Flag{Switch: f.Switch, ReplacedBy: f.ReplacedBy, Instead: f.Instead}, true
			}
		}
		return migrate.Flag{}, false
	})
	w := &migrateWriter{out: out}
	for _, note := range source.Notes {
		w.printf("# %s\n", note)
	}
	switch o.Format {
	case "config":
		w.config(settings, flags, r.Arguments)
	case "environment":
		w.environment(r.Arguments)
	default:
		w.flags(r.Arguments)
	}
	for _, a := range r.Unknown {
		w.printf("# not migrated: %s: %s\n", a, strings.Join(a.Notes, ", "))
	}
	if w.err == nil && len(r.Unknown) > 0 {
		return fmt.Errorf("%d arguments are not migrated", len(r.Unknown))
	}
	return w.err
}

func readMigrateSource(o *MigrateOptions) (migrate.Source, error) {
	if len(o.Args) > 0 {
		return migrate.Source{Args: o.Args}, nil
	}
	files := o.Files
	if len(files) == 0 {
		for _, file := range migrateFiles {
			if _, err := os.Stat(file); err == nil {
				files = []string{file}
				break
			}
		}
	}
	if len(files) == 0 {
		return migrate.Source{}, errors.New("want a file with the arguments of node_exporter, or the arguments themselves behind --: none of the usual files exists")
	}
	var texts [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return migrate.Source{}, err
		}
		texts = append(texts, text)
	}
	source, err := migrate.Read(texts...)
	if err != nil {
		return source, fmt.Errorf("%s: %w", strings.Join(files, ", "), err)
	}
	return source, nil
}

// A migrateWriter writes the result of a migration. It keeps the first error.
type migrateWriter struct {
	out io.Writer
	err error
}

func (w *migrateWriter) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

// flags writes one flag a line.
func (w *migrateWriter) flags(args []migrate.Argument) {
	for _, a := range args {
		for _, note := range a.Notes {
			w.printf("# %s\n", note)
		}
		w.printf("%s\n", a)
	}
}

// environment writes an environment file of the unit.
func (w *migrateWriter) environment(args []migrate.Argument) {
	var words []string
	for _, a := range args {
		for _, note := range a.Notes {
			w.printf("# --%s: %s\n", a.Name, note)
		}
		words = append(words, a.String())
	}
	w.printf("%s", migrate.Environment("HOST_EXPORTER_OPTS", words))
}

// config writes a configuration file. Flags that have no key there are comments
// above it.
func (w *migrateWriter) config(settings *Settings, flags []Flag, args []migrate.Argument) {
	for _, a := range args {
		for _, note := range a.Notes {
			w.printf("# %s: %s\n", strings.TrimPrefix(a.Name, "collector."), note)
		}
		if !strings.HasPrefix(strings.TrimPrefix(a.Name, "no-"), "collector.") {
			w.printf("# flag of the command line: %s\n", a)
			continue
		}
		if a.Name == "collector.disable-defaults" {
			settings.DisableDefaults = true
			continue
		}
		name, value := a.Name, a.Value
		for _, f := range flags {
			switch {
			case f.Name == name && f.Switch:
				value = "true"
			case "no-"+f.Name == name && f.Switch:
				value = "false"
			case f.Name != name:
				continue
			}
			if err := f.Set(value); err != nil {
				w.printf("# not migrated: %s: %v\n", a, err)
			}
			break
		}
	}
	text, err := settings.Explicit(collector.Catalog())
	if err != nil && w.err == nil {
		w.err = err
	}
	w.printf("%s", text)
}
