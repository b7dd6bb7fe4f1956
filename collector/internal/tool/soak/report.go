package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A sample is the state of the process while no client waits.
type sample struct {
	scrapes int64
	values  [4]float64 // as in resources
}

// resources are what must not grow. A run may end with at most limit more than it
// began with, by the slope and twice its error.
func resources() []resource {
	return []resource{
		{"resident memory, MiB", 8},
		{"goroutines", 3},
		{"threads", 3},
		{"descriptors", 3},
	}
}

type resource struct {
	name  string
	limit float64
}

// sample waits until no client scrapes, and samples the process.
func (s *soak) sample() (sample, error) {
	s.quiet.Lock()
	defer s.quiet.Unlock()
	one := sample{scrapes: s.done.Load()}
	goroutines, err := s.goroutines()
	resident, err2 := s.exporter.status("VmRSS")
	threads, err3 := s.exporter.status("Threads")
	descriptors, err4 := s.exporter.descriptors()
	one.values = [4]float64{resident / 1024, goroutines, threads, descriptors}
	return one, errors.Join(err, err2, err3, err4)
}

// goroutines returns the number of goroutines by a scrape of the cheapest collector.
func (s *soak) goroutines() (float64, error) {
	c := newClient(s)
	defer c.http.CloseIdleConnections()
	resp, err := c.get(request{collectors: "time"})
	if err != nil {
		return 0, err
	}
	if err := c.read(resp); err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(c.text.String(), "\ngo_goroutines ")
	if !ok {
		return 0, errors.New("want go_goroutines, have none")
	}
	value, _, _ := strings.Cut(rest, "\n")
	return strconv.ParseFloat(value, 64)
}

// report prints the slope of each resource, and returns an error for those that grow.
// The first quarter of the samples is left out: caches, buffers and the heap grow to
// their size.
func report(w io.Writer, all []sample) error {
	all = all[len(all)/4:]
	if len(all) < 2*batches {
		return fmt.Errorf("want at least %d samples to judge, have %d", 8*batches/3, len(all)*4/3)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%d samples\tfirst\tleast\tmost\tlast\tper million scrapes\tstandard error\t\n", len(all))
	var grown []error
	for i, r := range resources() {
		x, y := make([]float64, len(all)), make([]float64, len(all))
		for k, one := range all {
			x[k], y[k] = float64(one.scrapes), one.values[i]
		}
		slope, deviation := slopeOf(x, y)
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%+.3f\t%.3f\t\n", r.name, y[0], slices.Min(y), slices.Max(y), y[len(y)-1], slope*1e6, deviation*1e6)
		// Both are needed: noise is steep in a short run, and what matters is the sum.
		if growth := (slope - 2*deviation) * (x[len(x)-1] - x[0]); growth > r.limit || y[len(y)-1] > y[0]+4*r.limit {
			grown = append(grown, fmt.Errorf("%s: grew by more than %.1f", r.name, math.Max(growth, r.limit)))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return errors.Join(grown...)
}

// batches is the number of means that the slope is computed from. Samples are not
// independent of those before them, and the error of a slope through all of them would
// be too small.
const batches = 10

// slopeOf returns the slope of the regression line through the means of batches, and
// its standard error.
func slopeOf(x, y []float64) (slope, deviation float64) {
	var bx, by [batches]float64
	for b := range batches {
		from, until := b*len(x)/batches, (b+1)*len(x)/batches
		bx[b], by[b] = mean(x[from:until]), mean(y[from:until])
	}
	mx, my := mean(bx[:]), mean(by[:])
	var sxx, sxy float64
	for b := range batches {
		sxx += (bx[b] - mx) * (bx[b] - mx)
		sxy += (bx[b] - mx) * (by[b] - my)
	}
	slope = sxy / sxx
	var residuals float64
	for b := range batches {
		r := by[b] - my - slope*(bx[b]-mx)
		residuals += r * r
	}
	return slope, math.Sqrt(residuals / (batches - 2) / sxx)
}

func mean(v []float64) float64 {
	sum := 0.
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
