// Command rendermixin renders the jsonnet of docs/mixin to YAML. It needs the program
// jsonnet (Debian's package jsonnet). `go generate ./...` does not run it; a test says
// when the files are out of date:
//
//	go run ./collector/internal/tool/rendermixin
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/hostexporter/host_exporter/collector/internal/tool/mixin"
)

func main() {
	dir := flag.String("dir", "docs/mixin", "folder of the mixin")
	flag.Parse()
	err := mixin.Render(*dir, func(file string, content []byte) error { return os.WriteFile(file, content, 0o644) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "rendermixin:", err)
		os.Exit(1)
	}
}
