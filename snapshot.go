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

// snapshotFlags are the flags and the argument of the snapshot command.
type snapshotFlags struct {
	file   string // empty: standard output
	redact bool
	list   bool
}

// addSnapshot adds the flag --from and the command snapshot.
func (p *program) addSnapshot() {
	p.app.Flag("from", "Snapshot to read instead of this host (docs/snapshot.md): for serve, once, doctor, health, san and expect suggest.").PlaceHolder("PATH").StringVar(&p.config.From)
	p.commands["snapshot"] = p.snapshot
	c := p.app.Command("snapshot", "Collect once and write what was read of the host to a file, without what identifies the host (docs/snapshot.md).")
	c.Flag("redact", "Replace addresses, names and serial numbers (default: enabled).").Default("true").BoolVar(&p.snapshotFlags.redact)
	c.Flag("list", "List what is in a snapshot instead.").BoolVar(&p.snapshotFlags.list)
	c.Arg("file", "File to write, which must not exist, compressed if its name ends with .gz; - for standard output.").Required().SetValue((*snapshotArg)(&p.snapshotFlags))
}

// checkFrom returns an error for a command that cannot read a snapshot.
func (p *program) checkFrom(command string) error {
	if p.config.From == "" || slices.Contains([]string{"serve", "once", "doctor", "health", "san", "expect suggest"}, command) {
		return nil
	}
	return fmt.Errorf("--from is not for the command %s", command)
}

// A snapshotArg is the argument of snapshot. Kingpin passes a single dash as an empty text.
type snapshotArg snapshotFlags

func (a *snapshotArg) String() string { return "" }

// Set sets the file.
func (a *snapshotArg) Set(path string) error {
	if path != "-" {
		a.file = path
	}
	return nil
}

func (p *program) snapshot(ctx context.Context) error {
	f := p.snapshotFlags
	if f.list {
		return exporter.ListSnapshot(f.file, p.stdout)
	}
	if f.file != "" { // before all the work
		if _, err := os.Lstat(f.file); err == nil {
			return fmt.Errorf("%s exists", f.file)
		}
	}
	b, summary, err := exporter.Snapshot(ctx, p.config, exporter.SnapshotOptions{Plain: !f.redact, Compress: strings.HasSuffix(f.file, ".gz")})
	if err != nil {
		return err
	}
	if f.file == "" {
		_, err = os.Stdout.Write(b)
	} else {
		err = writeNew(f.file, b)
	}
	if err != nil {
		return err
	}
	if f.redact {
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
