package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/test/growth"
)

// printGrowth prints what a scrape costs by the number of devices of each kind. It
// returns an error if the CPU time grows faster than the number.
func printGrowth(dir, kinds string, budget time.Duration) error {
	match, err := regexp.Compile(kinds)
	if err != nil {
		return err
	}
	fmt.Println("| of these | number | series | system calls | CPU µs | allocations | first scrape, CPU ms |")
	fmt.Println("|---|---|---|---|---|---|---|")
	var steep []error
	for _, k := range growth.Kinds() {
		if !match.MatchString(k.Name) {
			continue
		}
		var costs []growth.Cost
		for _, n := range k.Sizes {
			c, err := measureGrowth(k, n, filepath.Join(dir, fmt.Sprint(k.Name, n)), budget)
			if err != nil {
				return fmt.Errorf("%d %s: %w", n, k.Name, err)
			}
			costs = append(costs, c)
			fmt.Printf("| %s | %d | %d | %.0f | %.0f | %.0f | %.1f |\n", k.Name, n, c.Series, c.SystemCalls, c.CPU.Seconds()*1e6, c.Allocations, c.First.Seconds()*1e3)
		}
		steep = append(steep, checkSlope(k, costs))
	}
	return errors.Join(steep...)
}

func measureGrowth(k growth.Kind, n int, root string, budget time.Duration) (c growth.Cost, err error) {
	if err := os.Mkdir(root, 0o755); err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	s, err := k.Open(n, root, collector.Catalog())
	if err != nil {
		return c, err
	}
	c, err = s.Measure(budget)
	return c, errors.Join(err, s.Close())
}

// maxSteepness is how many times more CPU time each further device of the largest host
// may take than one of a small host. The caches of a CPU take their part of it.
const maxSteepness = 4

// checkSlope compares the CPU time of a further device between the two largest sizes
// with that between the second and the third.
func checkSlope(k growth.Kind, costs []growth.Cost) error {
	slope := func(i int) float64 {
		return float64(costs[i].CPU-costs[i-1].CPU) / float64(k.Sizes[i]-k.Sizes[i-1])
	}
	last := len(costs) - 1
	if few, many := slope(2), slope(last); many > maxSteepness*few {
		return fmt.Errorf("%s: each takes %.2f µs up to %d, and %.2f µs up to %d", k.Name, few/1e3, k.Sizes[2], many/1e3, k.Sizes[last])
	}
	return nil
}
