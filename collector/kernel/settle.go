package kernel

import (
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// settle ends a reading of parts that stand for themselves, such as the files
// of /proc/pressure. As long as one of them gave a sample, those that are
// broken are left out. When none did, the reading failed if something is
// broken; otherwise the host does not have what was looked for, and absent
// says how that was seen.
func settle(out *metric.Sink, broken []error, absent error) error {
	var err error
	if out.SampleCount() == 0 {
		switch {
		case len(broken) > 0:
			err, broken = broken[0], broken[1:]
		case absent != nil:
			err = fmt.Errorf("%w: %w", collect.ErrNoData, absent)
		default:
			err = collect.ErrNoData
		}
	}
	for _, b := range broken {
		out.Error(b)
	}
	return err
}
