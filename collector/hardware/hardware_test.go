package hardware

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestGolden(t *testing.T) { golden.Run(t, "../../testdata/hardware", Collectors()) }
