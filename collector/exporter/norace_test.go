//go:build !race

package exporter

const underRaceDetector = false
