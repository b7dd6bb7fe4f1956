package cpu

import (
	"fmt"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A perfCPUChoice is the choice of CPUs of the perf collector, in any order.
// Without a part it is all CPUs.
type perfCPUChoice []perfCPUSpan

// A perfCPUSpan is every step-th CPU from first to last.
type perfCPUSpan struct{ first, last, step uint64 }

// parsePerfCPUs parses a choice such as 0-3,8 or 0-10:5.
func parsePerfCPUs(s string) (perfCPUChoice, error) {
	var choice perfCPUChoice
	if s == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		span, step, hasStep := strings.Cut(strings.TrimSpace(part), ":")
		low, high, isRange := strings.Cut(span, "-")
		if !isRange {
			high = low
		}
		if !hasStep {
			step = "1"
		}
		first, ok1 := scan.Uint([]byte(low))
		last, ok2 := scan.Uint([]byte(high))
		every, ok3 := scan.Uint([]byte(step))
		if !ok1 || !ok2 || !ok3 || first > last || every == 0 || hasStep && !isRange {
			return nil, fmt.Errorf("cpus: want CPUs such as 0-3,8 or 0-10:5, have %q", s)
		}
		choice = append(choice, perfCPUSpan{first, last, every})
	}
	return choice, nil
}

func (c perfCPUChoice) has(cpu uint64) bool {
	for _, s := range c {
		if cpu >= s.first && cpu <= s.last && (cpu-s.first)%s.step == 0 {
			return true
		}
	}
	return len(c) == 0
}
