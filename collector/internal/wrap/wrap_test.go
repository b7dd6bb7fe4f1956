package wrap

import "testing"

func TestTotal(t *testing.T) {
	for name, steps := range map[string][]struct{ now, want, corrections uint64 }{
		"increase":       {{100, 100, 0}, {150, 150, 0}, {150, 150, 0}},
		"first reading":  {{1e11, 1e11, 0}},
		"one wrap":       {{1e11, 1e11, 0}, {95705033704, 100000001000, 1}, {95705033804, 100000001100, 1}},
		"wrap to zero":   {{1<<32 - 1, 1<<32 - 1, 0}, {0, 1 << 32, 1}, {7, 1<<32 + 7, 1}},
		"128 wraps":      {{128 << 32, 128 << 32, 0}, {5, 128<<32 + 5, 1}},
		"small decrease": {{1000, 1000, 0}, {990, 1000, 1}, {990, 1000, 1}, {999, 1000, 1}, {998, 1000, 2}, {1003, 1003, 2}},
		"reset":          {{1000, 1000, 0}, {10, 10, 0}, {20, 20, 0}},
		"large reset":    {{5 << 32, 5 << 32, 0}, {3 << 31, 3 << 31, 0}},
	} {
		var total Total
		for i, step := range steps {
			if v := total.Continue(step.now); v != step.want || total.Corrections() != step.corrections {
				t.Errorf("%s, step %d: %d after %d corrections, want %d after %d", name, i, v, total.Corrections(), step.want, step.corrections)
			}
		}
	}
}

func TestSum(t *testing.T) {
	var s Sum
	for i, step := range []struct {
		counters []uint64
		want     uint64
	}{
		{[]uint64{1<<32 - 10, 1<<32 - 20}, 1<<33 - 30},
		{[]uint64{5, 1<<32 - 15}, 1<<33 - 10},
		{[]uint64{6, 5}, 1<<33 + 11},
		{[]uint64{2, 5}, 1<<33 + 13}, // started over
		{[]uint64{2}, 2},             // a CPU less
	} {
		s.Resize(len(step.counters))
		for cpu, now := range step.counters {
			s.Add(cpu, now)
		}
		if s.Total() != step.want {
			t.Errorf("step %d: %d, want %d", i, s.Total(), step.want)
		}
	}
}
