// Package growth makes hosts of any size, and measures what a scrape of them costs:
// series, system calls, CPU time and allocations. It knows collectors by name only.
package growth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// A Kind is what a host may have many of.
type Kind struct {
	Name       string // in the plural
	Sizes      []int  // numbers for a table
	Collectors []string
	Limits     Limits
	Uncounted  float64 // system calls of each that no host.Reader makes; another test counts them

	make func(s *Scene, n int) error
}

// Limits are what each further one of a Kind may cost in a scrape.
type Limits struct {
	SystemCalls, Allocations, Bytes float64
}

// A Scene is a host and the collectors of its Kind.
type Scene struct {
	root    string
	host    *host.Host
	specs   []collect.Spec
	options map[string]map[string][]string // by collector
	closers []func() error
	calls   atomic.Int64

	uncounted      float64  // system calls in a scrape
	counted, plain *scraper // with and without counting calls, which allocates
}

// A scraper scrapes the collectors of a scene.
type scraper struct {
	engine *scrape.Engine
	units  []*collect.Unit
	text   []byte
}

// Open makes a host with n of a kind below the empty directory root. Specs are the data
// sheets of all collectors.
func (k Kind) Open(n int, root string, specs []collect.Spec) (*Scene, error) {
	// The clock is ahead of the files: none has just changed.
	now := func() time.Time { return time.Now().Add(time.Minute) }
	s := &Scene{
		root: root,
		host: &host.Host{
			Proc: host.NewTree(root + "/proc"), Sys: host.NewTree(root + "/sys").Attributes(),
			Root: host.NewTree(root), Udev: host.NewTree(root + "/run/udev/data"), Files: host.NewTree(root),
			Arch: "amd64", PageSize: 4096, Ticks: 100, Now: now,
		},
		specs:     specs,
		options:   map[string]map[string][]string{},
		uncounted: float64(n) * k.Uncounted,
	}
	err := k.make(s, n)
	if err == nil {
		s.counted, err = s.newScraper(k, s.counting())
	}
	if err == nil {
		s.plain, err = s.newScraper(k, s.host)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%d %s: %w", n, k.Name, err), s.Close())
	}
	return s, nil
}

func (s *Scene) newScraper(k Kind, h *host.Host) (*scraper, error) {
	x := &scraper{engine: scrape.NewEngine()}
	for _, name := range k.Collectors {
		i := slices.IndexFunc(s.specs, func(spec collect.Spec) bool { return spec.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no collector %s", name)
		}
		spec := s.specs[i]
		spec.Timeout = time.Minute // on a busy machine, too
		u, err := collect.NewUnit(spec, h, log.NewNopLogger(), x.engine.Families().Has, s.options[name])
		if err != nil {
			return nil, err
		}
		u.MaxSeries = 0
		x.units = append(x.units, u)
	}
	return x, nil
}

// Close stops what the host runs. It leaves its files.
func (s *Scene) Close() (err error) {
	for _, fn := range s.closers {
		err = errors.Join(err, fn())
	}
	return err
}

// scrape makes one scrape, without compression. It returns the number of series, and an
// error if a collector could not read everything.
func (x *scraper) scrape() (series int, err error) {
	x.text = x.engine.AppendText(context.Background(), x.text[:0], scrape.Request{Units: x.units})
	for _, u := range x.units {
		status := u.Status()
		if status.State != collect.OK {
			err = errors.Join(err, fmt.Errorf("%s: %s: %w", u.Spec.Name, status.State, status.Err))
		}
		series += status.SampleCount
	}
	return series, err
}

// A Cost is what a scrape costs.
type Cost struct {
	Series      int
	SystemCalls float64       // of a host.Reader without close, netlink dumps, statfs, and those of sockets
	CPU         time.Duration // that of the stand-ins for services included
	Allocations float64
	Bytes       float64       // allocated
	First       time.Duration // CPU time of the first scrape
}

// rounds is the number of scrapes in which caches of collectors look at each of their
// devices once.
const rounds = 32

// Measure scrapes a host whose devices do not change, for a budget of CPU time and at
// least for rounds scrapes, and returns the means.
func (s *Scene) Measure(budget time.Duration) (c Cost, err error) {
	began := usage()
	if _, err = s.plain.scrape(); err != nil {
		return c, err
	}
	c.First = usage().since(began, 1).cpu
	for _, x := range []*scraper{s.plain, s.counted} {
		for range rounds + 1 { // until all buffers have their size
			if _, err = x.scrape(); err != nil {
				return c, err
			}
		}
	}
	s.calls.Store(0)
	for range rounds {
		if c.Series, err = s.counted.scrape(); err != nil {
			return c, err
		}
	}
	c.SystemCalls = float64(s.calls.Load())/rounds + s.uncounted

	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	began = usage()
	n := 0
	for n == 0 || n < 100*rounds && usage().cpu-began.cpu < budget {
		for range rounds {
			if _, err = s.plain.scrape(); err != nil {
				return c, err
			}
		}
		n += rounds
	}
	mean := usage().since(began, n)
	c.CPU, c.Allocations, c.Bytes = mean.cpu, mean.allocations, mean.bytes
	return c, nil
}

// consumption is what the process has consumed so far.
type consumption struct {
	cpu                time.Duration
	allocations, bytes float64
}

func usage() consumption {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return consumption{time.Duration(u.Utime.Nano() + u.Stime.Nano()), float64(m.Mallocs), float64(m.TotalAlloc)}
}

// since returns the mean consumption of n scrapes since then.
func (c consumption) since(then consumption, n int) consumption {
	return consumption{(c.cpu - then.cpu) / time.Duration(n), (c.allocations - then.allocations) / float64(n), (c.bytes - then.bytes) / float64(n)}
}

// counting returns the host with system calls that are counted.
func (s *Scene) counting() *host.Host {
	own := *s.host
	for _, t := range []*host.Tree{&own.Proc, &own.Sys, &own.Root, &own.Udev, &own.Files} {
		*t = host.InterceptCalls(*t, func(_ host.Call, _ string, size int) (int, error) {
			s.calls.Add(1)
			return size, nil
		})
	}
	CountCalls(&own, &s.calls)
	if s.host.DialBus != nil {
		own.DialBus = countingDial(s.host.DialBus, &s.calls)
	}
	return &own
}
