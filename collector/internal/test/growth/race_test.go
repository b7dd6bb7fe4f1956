//go:build race

package growth_test

// underRaceDetector reports whether the tests run under the race detector, which
// multiplies time and memory.
const underRaceDetector = true
