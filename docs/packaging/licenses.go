package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var licenseFile = regexp.MustCompile(`^(LICEN[CS]E|COPYING|NOTICE)`)

// readLicenses returns the licenses and notices of all modules in the program, and of
// Go: those who pass on the program must pass on them, too.
func (r *release) readLicenses() ([]byte, error) {
	env := []string{"GOFLAGS=", "GOWORK=off", "GOOS=linux", "CGO_ENABLED=0"}
	out, err := command(r.root, env, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", ".")
	if err != nil {
		return nil, err
	}
	modules := strings.Fields(strings.ReplaceAll(string(out), " ", "\x00"))
	slices.Sort(modules)
	var b bytes.Buffer
	fmt.Fprintf(&b, "host_exporter is under the Apache License 2.0. The program contains parts of Go and\nof the modules below, whose licenses and notices follow.\n")
	goroot, err := command(r.root, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := appendLicenses(&b, "Go", strings.TrimSpace(string(goroot))); err != nil {
		return nil, err
	}
	for _, m := range slices.Compact(modules) {
		part := strings.Split(m, "\x00")
		if err := appendLicenses(&b, part[0]+" "+part[1], part[2]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func appendLicenses(b *bytes.Buffer, title, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !licenseFile.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(b, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("-", 80), title, e.Name(), bytes.TrimSpace(text))
	}
	if !found {
		return fmt.Errorf("%s: no file with a license in %s", title, dir)
	}
	return nil
}
