package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

type options struct {
	scrapes int64
	clients int
	samples int
	binary  string
}

// A soak is one run of the tool.
type soak struct {
	options
	exporter *exporter
	scene    *scene

	done     atomic.Int64 // scrapes
	left     atomic.Int64 // of them, those whose client left
	failures failures

	// Clients hold it for reading while they scrape, the sampler for writing.
	quiet sync.RWMutex
}

func run(ctx context.Context, o options, w io.Writer) error {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		o.binary = filepath.Join(dir, "host_exporter")
		build := exec.Command("go", "build", "-trimpath", "-o", o.binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	s := &soak{options: o}
	if s.scene, err = newScene(dir); err != nil {
		return err
	}
	if s.exporter, err = startExporter(o.binary, s.scene); err != nil {
		return err
	}
	began := time.Now()
	all, err := s.scrapeAll(ctx, w)
	if err != nil {
		s.failures.add(err)
	}
	if err := s.exporter.stop(); err != nil {
		s.failures.add(err)
	}
	left, err := processesOf(dir)
	if err != nil {
		s.failures.add(err)
	}
	for _, p := range left {
		s.failures.add(fmt.Errorf("process left: %s", p))
	}
	if took := time.Since(began); took > 20*time.Second && s.scene.checkRuns() < 3 {
		s.failures.add(fmt.Errorf("a check that is due every second did not run in %v", took.Round(time.Second)))
	}
	fmt.Fprintf(w, "%d scrapes in %v, %d of them by clients that left; %d reloads, %d hangs, %d texts, %d runs of a check\n",
		s.done.Load(), time.Since(began).Round(time.Second), s.left.Load(), s.scene.reloads, s.scene.hangs, s.scene.written.Load(), s.scene.checkRuns())
	return errors.Join(s.failures.err(), report(w, all))
}

// scrapeAll runs the clients and samples the process until all scrapes are done, or
// until ctx ends.
func (s *soak) scrapeAll(ctx context.Context, w io.Writer) ([]sample, error) {
	stop := make(chan struct{})
	var clients, changes sync.WaitGroup
	for range s.clients {
		clients.Go(func() {
			c := newClient(s)
			for n := s.done.Add(1); n <= s.scrapes && ctx.Err() == nil; n = s.done.Add(1) {
				s.quiet.RLock()
				err := c.scrape(n)
				s.quiet.RUnlock()
				if err != nil && s.failures.add(fmt.Errorf("scrape %d: %w", n, err)) {
					break
				}
			}
			s.done.Add(-1)
		})
	}
	changes.Go(func() { s.scene.writeTexts(stop) })
	finished := make(chan struct{})
	go func() {
		clients.Wait()
		close(finished)
	}()
	all, err := s.sampleUntil(finished, w)
	<-finished
	close(stop)
	changes.Wait()
	return all, err
}

// sampleUntil samples the process at equal numbers of scrapes, and changes the scene
// in between: it reloads after each sample and makes a file hang after every fourth.
func (s *soak) sampleUntil(finished <-chan struct{}, w io.Writer) (all []sample, err error) {
	step := max(1, s.scrapes/int64(s.samples))
	next, began := step, time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			return all, nil
		case <-tick.C:
		}
		if s.done.Load() < next {
			continue
		}
		next = s.done.Load() + step
		one, err := s.sample()
		if err != nil {
			return all, err
		}
		all = append(all, one)
		if len(all)%20 == 0 {
			fmt.Fprintf(w, "%9d scrapes  %6.0f s  %.1f MiB  %.0f goroutines  %.0f threads  %.0f descriptors\n",
				one.scrapes, time.Since(began).Seconds(), one.values[0], one.values[1], one.values[2], one.values[3])
		}
		if err := s.scene.reload(s.exporter); err != nil {
			return all, err
		}
		if len(all)%4 == 0 {
			if err := s.scene.hang(); err != nil {
				return all, err
			}
		}
	}
}

// failures are the first of the mistakes found. It is safe for concurrent use.
type failures struct {
	mu  sync.Mutex
	all []error
}

const maxFailures = 10

// add adds a failure and reports whether there are so many that more are no news.
func (f *failures) add(err error) (enough bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) < maxFailures {
		f.all = append(f.all, err)
	}
	return len(f.all) == maxFailures
}

func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.all...)
}
