package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

// A snapshotCommand has the flags and the argument of the command snapshot.
type snapshotCommand struct {
	file   string // empty: standard output
	redact bool
	list   bool
}

func (p *program) addSnapshot() {
	var c snapshotCommand
	cmd := p.command(p.app, "snapshot", "Write to a file what collectors read of this host. It collects once, and leaves out what identifies the host; docs/snapshot.md has the rest.", func(ctx context.Context) error { return p.snapshot(ctx, c) })
	cmd.busy = "Collecting"
	cmd.Flag("redact", "Replace addresses, names and serial numbers (default: enabled).").Default("true").BoolVar(&c.redact)
	cmd.Flag("list", "List what is in a snapshot instead.").BoolVar(&c.list)
	cmd.Arg("file", "File to write, which must not exist, compressed if its name ends with .gz; - for standard output.").Required().SetValue((*snapshotArg)(&c))
}

// fromCommands are the commands that can read a snapshot.
var fromCommands = []string{"serve", "once", "doctor", "health", "san", "expect suggest"}

// checkFrom returns an error for a command that cannot read a snapshot.
func (p *program) checkFrom(command string) error {
	if p.config.From == "" || slices.Contains(fromCommands, command) {
		return nil
	}
	return fmt.Errorf("--from is not for the command %s", command)
}

// A snapshotArg is the argument of snapshot. Kingpin passes a single dash as an empty text.
type snapshotArg snapshotCommand

func (a *snapshotArg) String() string { return "" }

// Set sets the file.
func (a *snapshotArg) Set(path string) error {
	if path != "-" {
		a.file = path
	}
	return nil
}

func (p *program) snapshot(ctx context.Context, c snapshotCommand) error {
	if c.list {
		return exporter.ListSnapshot(c.file, p.stdout)
	}
	if c.file != "" { // before all the work
		if _, err := os.Lstat(c.file); err == nil {
			return fmt.Errorf("%s exists", c.file)
		}
	}
	b, summary, err := exporter.Snapshot(ctx, p.config, exporter.SnapshotOptions{Plain: !c.redact, Compress: strings.HasSuffix(c.file, ".gz")})
	if err != nil {
		return err
	}
	if c.file == "" {
		_, err = os.Stdout.Write(b)
	} else {
		err = writeNew(c.file, b)
	}
	if err != nil {
		return err
	}
	if c.redact {
		summary += "; look through it before you give it away: docs/snapshot.md says what is replaced"
	} else {
		summary += "; NOT redacted"
	}
	_, err = fmt.Fprintln(p.stderr, summary)
	return err
}

// writeNew writes a file that does not exist, for the user alone.
func writeNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}
