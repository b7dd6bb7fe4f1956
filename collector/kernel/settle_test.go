package kernel

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestSettle(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	for _, test := range []struct {
		name    string
		emitted bool
		broken  []error
		absent  error
		want    error
		skipped int
	}{
		{"well", true, nil, nil, nil, 0},
		{"well, with a part absent", true, nil, fs.ErrNotExist, nil, 0},
		{"partly broken", true, []error{first, second}, nil, nil, 2},
		{"absent", false, nil, fs.ErrNotExist, collect.ErrNoData, 0},
		{"absent for a reason", false, nil, fs.ErrNotExist, fs.ErrNotExist, 0},
		{"nothing of use", false, nil, nil, collect.ErrNoData, 0},
		{"broken", false, []error{first, second}, nil, first, 1},
		{"broken, the rest absent", false, []error{first}, fs.ErrNotExist, first, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := metric.NewSet()
			f := set.Gauge("node_test", "A test.")
			out := metric.NewSink(set)
			if test.emitted {
				out.Emit(f, 1)
			}
			if err := settle(out, test.broken, test.absent); !errors.Is(err, test.want) {
				t.Errorf("have %v, want %v", err, test.want)
			}
			if skipped, _ := out.Errors(); len(skipped) != test.skipped {
				t.Errorf("skipped %v, want %d", skipped, test.skipped)
			}
		})
	}
}
