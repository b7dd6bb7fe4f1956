// Package docs has the pages that are part of the binary.
package docs

import _ "embed"

// Health is the file of the health rules.
//
//go:embed health.yml
var Health []byte
