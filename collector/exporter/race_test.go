//go:build race

package exporter

// underRaceDetector reports whether the tests run under the race detector, which
// multiplies time and memory.
const underRaceDetector = true
