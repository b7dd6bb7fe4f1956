package checks

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestGolden(t *testing.T) {
	golden.Run(t, "../../testdata/checks", specs(goldenChecks(t), new(exportedNames)))
}
