package kernel

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestReportOrFail(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	for _, test := range []struct {
		name     string
		emit     bool
		errs     []error
		absent   error
		want     error
		reported int
	}{
		{"all parts emit", true, nil, nil, nil, 0},
		{"a part is absent", true, nil, fs.ErrNotExist, nil, 0},
		{"parts have errors", true, []error{first, second}, nil, nil, 2},
		{"all parts are absent", false, nil, fs.ErrNotExist, collect.ErrNoData, 0},
		{"the cause of the absence", false, nil, fs.ErrNotExist, fs.ErrNotExist, 0},
		{"no part has data", false, nil, nil, collect.ErrNoData, 0},
		{"all parts have errors", false, []error{first, second}, nil, first, 1},
		{"a part has an error, the rest is absent", false, []error{first}, fs.ErrNotExist, first, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := metric.NewSet()
			f := set.Gauge("node_test", "A test.")
			out := metric.NewSink(set)
			if test.emit {
				out.Emit(f, 1)
			}
			if err := reportOrFail(out, test.errs, test.absent); !errors.Is(err, test.want) {
				t.Errorf("have %v, want %v", err, test.want)
			}
			if reported, _ := out.Errors(); len(reported) != test.reported {
				t.Errorf("reported %v, want %d", reported, test.reported)
			}
		})
	}
}
