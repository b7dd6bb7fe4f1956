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
	if out.Samples() > 0 || len(broken) == 0 {
		for _, err := range broken {
			out.Skip(err)
		}
		if out.Samples() == 0 {
			return fmt.Errorf("%w: %w", collect.ErrNoData, absent)
		}
		return nil
	}
	for _, err := range broken[1:] {
		out.Skip(err)
	}
	return broken[0]
}
