package slow

import (
	"cmp"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A lane is what an adapter's files share: one question at a time.
type lane struct {
	sys    *host.Reader // of the pass
	flight flight.Flight[struct{}]

	// The lock of the Reader guards the rest.
	run   *flight.Run[struct{}] // the last one
	files map[key]*file
	round uint64
	wait  time.Duration // of the back-off
	until time.Time     // when it ends

	turns  uint64
	asking *file // that is being read
	since  time.Time
	late   bool // and that has been counted
}

// A key tells files apart, even where a host got the number of another.
type key struct{ dir, path string }

func keyOf(f *File) key { return key{f.Host.Dir, f.Path} }

type file struct {
	File
	round uint64
	tried time.Time
	turn  uint64 // which of the lane's questions it was then
	taken time.Time
	text  []byte
	err   error
}

// file takes up that a file is asked for.
func (l *lane) file(f *File, round uint64) {
	known := l.files[keyOf(f)]
	if known == nil || known.Host.Driver != f.Host.Driver {
		known = &file{File: *f}
		own := *f.Host // a pass may outlive what it was asked with
		known.Host = &own
		l.files[keyOf(f)] = known
	}
	known.round = round
}

// due returns the files to be read now: those first that have waited longest,
// so that one that always fails, and ends a pass, does not keep the others
// from being read.
func (l *lane) due(now time.Time, a Ask) []*file {
	if l.flight.Current() != nil || now.Before(l.until) {
		return nil
	}
	var due []*file
	for _, f := range l.files {
		if f.tried.IsZero() || now.Sub(f.tried) >= f.interval(a) && !(f.Once && f.text != nil) {
			due = append(due, f)
		}
	}
	slices.SortFunc(due, func(a, b *file) int {
		return cmp.Or(cmp.Compare(a.turn, b.turn), host.CompareNatural(a.Path, b.Path))
	})
	return due
}

// panicked returns the panic that the last pass ended with, if any.
func (l *lane) panicked() error {
	if l.run == nil {
		return nil
	}
	select {
	case <-l.run.Done():
		_, err := l.run.Result()
		return err
	default:
		return nil
	}
}

func (f *file) interval(a Ask) time.Duration {
	if f.Every > 0 {
		return f.Every
	}
	return a.Interval
}

// answer returns what is known of a file.
func (f *file) answer(now time.Time, a Ask) Answer {
	result := Answer{Err: f.err}
	if age := now.Sub(f.taken); f.text != nil && (f.Once || age <= maxAge*max(f.interval(a), a.Interval)) {
		result.Content, result.Age = f.text, age
	}
	return result
}
