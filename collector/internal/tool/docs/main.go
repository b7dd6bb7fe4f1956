// Docs writes the reference pages into the folder that it is given.
// go generate ./collector runs it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hostexporter/host_exporter/collector"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(dir, testdata string) error {
	pages, err := generate(collector.Domains(), testdata)
	if err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
