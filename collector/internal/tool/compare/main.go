// Compare lists how the metrics of host_exporter differ from those of another
// exporter on the same host: families, types and labels that are missing,
// extra or different.
//
//	go run ./collector/internal/tool/compare http://localhost:9100/metrics http://localhost:9101/metrics
//
// The arguments are URLs or files, host_exporter's first. -known names a file of
// differences that have a reason; only others are listed, and the exit code is 1
// if there are any. -deep compares series and values as well.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/compare"
)

func main() {
	knownFile := flag.String("known", "", "file of differences that have a reason")
	deep := flag.Bool("deep", false, "compare series and values as well")
	flag.Parse()
	left, err := run(flag.Args(), *knownFile, *deep)
	for _, d := range left {
		fmt.Println(d)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	}
	if len(left) > 0 {
		os.Exit(1)
	}
}

func run(sources []string, knownFile string, deep bool) ([]compare.Difference, error) {
	if len(sources) != 2 {
		return nil, fmt.Errorf("want two URLs or files, host_exporter's and the other exporter's, have %d", len(sources))
	}
	var both [2]compare.Exposition
	for i, source := range sources {
		b, err := read(source)
		if err != nil {
			return nil, err
		}
		if both[i], err = compare.Parse(bytes.NewReader(b)); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
	}
	var known compare.Known
	if knownFile != "" {
		f, err := os.Open(knownFile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if known, err = compare.ParseKnown(f); err != nil {
			return nil, fmt.Errorf("%s: %w", knownFile, err)
		}
	}
	return known.Unexplained(compare.Diff(both[0], both[1], deep)), nil
}

func read(source string) ([]byte, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		return os.ReadFile(source)
	}
	resp, err := http.Get(source)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", source, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
