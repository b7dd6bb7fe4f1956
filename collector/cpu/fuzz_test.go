package cpu

import (
	"slices"
	"testing"
)

// FuzzPerfCPUs checks a choice of CPUs against its spans.
func FuzzPerfCPUs(f *testing.F) {
	f.Add("0-3,8", uint64(2))
	f.Add("0-10:5", uint64(10))
	f.Add("18446744073709551615-18446744073709551615", uint64(1<<64-1))
	f.Add(" 1 ,2", uint64(0))
	f.Fuzz(func(t *testing.T, text string, cpu uint64) {
		choice, err := parsePerfCPUs(text)
		if err != nil {
			return
		}
		want := len(choice) == 0
		for _, s := range choice {
			if s.step == 0 || s.first > s.last {
				t.Fatalf("%q: have %+v", text, choice)
			}
			if !choice.has(s.first) {
				t.Errorf("%q is without CPU %d", text, s.first)
			}
			want = want || s.first <= cpu && cpu <= s.last && (cpu-s.first)%s.step == 0
		}
		if choice.has(cpu) != want {
			t.Errorf("%q: CPU %d: have %v, want %v", text, cpu, !want, want)
		}
	})
}

// FuzzVulnerability checks that the state is a known one.
func FuzzVulnerability(f *testing.F) {
	f.Add("Mitigation: Clear CPU buffers; SMT vulnerable\n")
	f.Add("KVM: Mitigation: VMX disabled")
	f.Add("Not affected")
	f.Add("Processor vulnerable")
	f.Add("KVM: ")
	f.Fuzz(func(t *testing.T, text string) {
		state, _ := parseVulnerability(text)
		if !slices.Contains([]string{"not affected", "vulnerable", "mitigation", "unknown"}, state) {
			t.Errorf("%q: have the state %q", text, state)
		}
	})
}
