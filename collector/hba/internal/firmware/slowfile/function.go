package slowfile

import (
	"cmp"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A function is what the files of one PCI function share: one pass at a time.
type function struct {
	name   string
	sys    *host.Reader // of the pass
	flight flight.Flight[struct{}]

	// The lock of the Reader guards the rest.
	run     *flight.Run[struct{}] // last pass
	files   map[key]*file
	round   uint64        // last call of Read with a file of the function
	backOff time.Duration // zero after a good pass
	until   time.Time     // end of the back-off
	reads   uint64        // number of reads

	current *file     // that a pass reads, or waits to read
	reading bool      // rather than waits for its turn
	since   time.Time // when that began
	late    bool      // and was counted as a timeout
}

// A key identifies a file, even after a host number was reused.
type key struct{ dir, path string }

func keyOf(f *File) key { return key{f.Host.Dir, f.Path} }

type file struct {
	File
	round   uint64 // last call of Read with the file
	tried   time.Time
	number  uint64 // of the last read of the file, among those of the function
	taken   time.Time
	content []byte
	err     error
}

// add notes that a caller wants a file.
func (fn *function) add(f *File, round uint64) {
	known := fn.files[keyOf(f)]
	if known == nil || known.Host.Driver != f.Host.Driver {
		known = &file{File: *f}
		own := *f.Host // a pass may outlive its caller's host
		known.Host = &own
		fn.files[keyOf(f)] = known
	}
	known.round = round
}

// due returns the files to read now. Those that were read longest ago come first,
// so that one that always fails, and ends a pass, does not keep the others from
// being read.
func (fn *function) due(now time.Time, limits Limits) []*file {
	if fn.flight.Current() != nil || now.Before(fn.until) {
		return nil
	}
	var due []*file
	for _, f := range fn.files {
		if f.tried.IsZero() || now.Sub(f.tried) >= f.interval(limits) && !(f.Once && f.content != nil) {
			due = append(due, f)
		}
	}
	slices.SortFunc(due, func(a, b *file) int {
		return cmp.Or(cmp.Compare(a.number, b.number), host.CompareNatural(a.Path, b.Path))
	})
	return due
}

// panicked returns the panic that ended the last pass, if any.
func (fn *function) panicked() error {
	if fn.run == nil {
		return nil
	}
	select {
	case <-fn.run.Done():
		_, err := fn.run.Result()
		return err
	default:
		return nil
	}
}

func (f *file) interval(limits Limits) time.Duration {
	if f.Every > 0 {
		return f.Every
	}
	return limits.Interval
}

// answer returns what is known of a file.
func (f *file) answer(now time.Time, limits Limits) Answer {
	result := Answer{Err: f.err}
	if age := now.Sub(f.taken); f.content != nil && (f.Once || age <= maxAge*max(f.interval(limits), limits.Interval)) {
		result.Content, result.Age = f.content, age
	}
	return result
}
