package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

// A configCheck is the command check-config.
type configCheck struct {
	*program
	strict    bool
	fromStdin bool // the file is a single dash
}

func (p *program) addCheckConfig() {
	c := &configCheck{program: p}
	cmd := p.command(p.app, "check-config", "Check a configuration file and report all errors. The exit status is 1 if there are any.", c.run)
	cmd.Arg("file", "Configuration file, instead of --config.file; - for standard input.").SetValue((*configArg)(c))
	cmd.Flag("strict", "Fail if a check cannot run on this host, or no enabled collector declares a family of an expectation.").BoolVar(&c.strict)
}

func (c *configCheck) run(ctx context.Context) error {
	if c.fromStdin {
		path, err := saveStdin()
		if err != nil {
			return err
		}
		defer os.RemoveAll(filepath.Dir(path))
		c.config.File = path
	}
	if c.config.File == "" {
		return errors.New("no configuration file: give it as an argument or with --config.file")
	}
	named := func(text string) string { return text }
	if c.fromStdin {
		named = func(text string) string { return strings.ReplaceAll(text, c.config.File, "standard input") }
	}
	problems, err := c.checkFile(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return errors.New(named("the configuration is not valid:\n" + exporter.Detail(err)))
	case len(problems) > 0 && c.strict:
		return errors.New(named("the configuration is valid, but not all of it works on this host:\n" + exporter.Detail(problems)))
	}
	for _, problem := range problems {
		fmt.Fprintln(c.stderr, "warning:", named(exporter.Detail(problem)))
	}
	c.config.Log = nil // it has the warnings already
	notes, err := exporter.Notes(c.config)
	if err != nil {
		return err
	}
	for flag, variable := range c.config.Settings.Environment {
		notes = append(notes, variable+" in the environment sets --"+flag+", which takes precedence over the file")
	}
	slices.Sort(notes)
	for _, note := range notes {
		fmt.Fprintln(c.stderr, "note:", note)
	}
	_, err = fmt.Fprintln(c.stdout, named(c.config.File)+": valid")
	return err
}

// checkFile checks the configuration file until ctx is done: reading it may hang.
func (c *configCheck) checkFile(ctx context.Context) (exporter.Findings, error) {
	type result struct {
		problems exporter.Findings
		err      error
	}
	done := make(chan result, 1)
	go func() {
		problems, err := exporter.Check(c.config)
		done <- result{problems, err}
	}()
	select {
	case r := <-done:
		return r.problems, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A configArg is the argument of check-config. Kingpin passes a single dash as an empty
// text.
type configArg configCheck

func (a *configArg) String() string { return "" }

// Set sets the configuration file.
func (a *configArg) Set(path string) error {
	a.config.File, a.fromStdin = path, path == "" || path == "-"
	return nil
}

// saveStdin writes standard input to a file in a temporary directory of its own.
func saveStdin() (path string, err error) {
	dir, err := os.MkdirTemp("", "host_exporter-*")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "stdin.yml")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = io.Copy(f, os.Stdin)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return path, err
}
