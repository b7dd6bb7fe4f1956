package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSnapshotCommands takes a snapshot of this machine, lists it, and reads it.
func TestSnapshotCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "this.host.gz")
	command := func(args ...string) (stdout, stderr string, err error) {
		var out, errs bytes.Buffer
		err = run(t.Context(), args, &out, &errs)
		return out.String(), errs.String(), err
	}
	_, summary, err := command("snapshot", file, "--collector.disable-defaults", "--collector.loadavg", "--collector.uname")
	if err != nil || !strings.Contains(summary, " files, ") {
		t.Fatalf("%v: %s", err, summary)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	list, _, err := command("snapshot", "--list", file)
	if err != nil || !strings.Contains(list, "/proc/loadavg") || !strings.Contains(list, "/syscall/uname") {
		t.Errorf("%v: %s", err, list)
	}
	first, _, err := command("once", "--from", file)
	if err != nil || !strings.Contains(first, "\nnode_load1 ") || strings.Contains(first, "node_memory") {
		t.Errorf("%v: %s", err, first)
	}
	if name, err := os.Hostname(); err == nil && len(name) > 2 && strings.Contains(first, `nodename="`+name+`"`) {
		t.Errorf("%s is not replaced", name)
	}
	if more, _, err := command("once", "--from", file, "--no-collector.loadavg"); err != nil || strings.Contains(more, "\nnode_load1 ") {
		t.Errorf("a flag does not take precedence: %v: %s", err, more)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"exists", []string{"snapshot", file}},
		{"--from is not for the command migrate", []string{"migrate", "--from", file}},
		{"no such file", []string{"once", "--from", file + "x"}},
		{"required argument", []string{"snapshot"}},
	} {
		if _, _, err := command(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.args, err, c.want)
		}
	}
}
