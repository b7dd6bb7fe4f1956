//go:build !race

package growth_test

const underRaceDetector = false
