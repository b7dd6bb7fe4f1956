package main

import (
	"slices"
	"testing"
)

func TestExecutions(t *testing.T) {
	for out, want := range map[string]uint64{
		"": 0,
		"fuzz: elapsed: 0s, gathering baseline coverage: 0/6 completed\n":                                                                                                0,
		"fuzz: elapsed: 3s, execs: 130697 (43563/sec), new interesting: 20 (total: 26)\nfuzz: elapsed: 5s, execs: 220638 (43509/sec), new interesting: 22 (total: 28)\n": 220638,
	} {
		if have := executions([]byte(out)); have != want {
			t.Errorf("%q: have %d, want %d", out, have, want)
		}
	}
}

func TestTests(t *testing.T) {
	const text = "func FuzzA(f *testing.F) {\n\tf.Add(1)\n}\n\n// func FuzzB(f *testing.F) {\nfunc FuzzSeed(t *testing.T) {}\nfunc FuzzC(fz *testing.F) {\n"
	if have, want := tests([]byte(text)), []string{"FuzzA", "FuzzC"}; !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}

func TestIsLate(t *testing.T) {
	const late = "fuzz: elapsed: 8s, execs: 71874 (7745/sec), new interesting: 26 (total: 36)\n--- FAIL: FuzzParseStat (8.03s)\n    context deadline exceeded\nFAIL\n"
	const failed = "--- FAIL: FuzzA (0.10s)\n    --- FAIL: FuzzA (0.00s)\n        a_test.go:1: no\n    \n    Failing input written to testdata/fuzz/FuzzA/0\n"
	for out, want := range map[string]bool{late: true, failed: false, failed + late: false} {
		if have := isLate([]byte(out)); have != want {
			t.Errorf("%q: have %v, want %v", out, have, want)
		}
	}
}

func TestIsDifference(t *testing.T) {
	const written = "    Failing input written to testdata/fuzz/FuzzA/0\n"
	for out, want := range map[string]bool{
		"--- FAIL: FuzzA (0.10s)\n    --- FAIL: FuzzA (0.00s)\n        a_test.go:1: want panic: 1\n" + written:                                true,
		"--- FAIL: FuzzA (0.10s)\n    --- FAIL: FuzzA/seed#0 (0.00s)\n        a_test.go:1: want 1\n":                                          false,
		"--- FAIL: FuzzA (0.10s)\n    --- FAIL: FuzzA (0.00s)\n        testing.go:2000: panic: runtime error: index out of range\n" + written: false,
		"--- FAIL: FuzzA (0.10s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\n" + written:                             false,
		"FuzzA: fork/exec 1.test: no such file or directory\n":                                                                                false,
	} {
		if have := isDifference([]byte(out)); have != want {
			t.Errorf("%q: have %v, want %v", out, have, want)
		}
	}
}
