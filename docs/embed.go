// Package docs has the pages that are part of the binary.
package docs

import "embed"

// URL is the address of the pages.
const URL = "https://github.com/hostexporter/host_exporter/blob/main/docs/"

// Health is the file of the health rules.
//
//go:embed health.yml
var Health []byte

// Metrics are the pages of metrics/, with the families of each collector.
//
//go:embed metrics/*.md
var Metrics embed.FS
