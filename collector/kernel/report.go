package kernel

import (
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// reportOrFail reports the errors of independent parts, such as the files of
// /proc/pressure, if any part emitted a sample. Otherwise it reports all but the
// first and returns that one, or ErrNoData with absent as the cause if there are
// none.
func reportOrFail(out *metric.Sink, errs []error, absent error) error {
	var err error
	if out.SampleCount() == 0 {
		switch {
		case len(errs) > 0:
			err, errs = errs[0], errs[1:]
		case absent != nil:
			err = fmt.Errorf("%w: %w", collect.ErrNoData, absent)
		default:
			err = collect.ErrNoData
		}
	}
	for _, e := range errs {
		out.Error(e)
	}
	return err
}
