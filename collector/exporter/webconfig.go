package exporter

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
)

// validateWebConfig validates the configuration file of the toolkit. The error has
// nothing of the file, which has hashes of passwords.
func validateWebConfig(path string) error {
	err := web.Validate(path)
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := withoutYAML(text); clean != text {
		err = errors.New(clean)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// withoutYAML returns the text of an error without the values that a YAML decoder
// quotes, one in each line.
func withoutYAML(text string) string {
	if !strings.Contains(text, "yaml: unmarshal errors:") {
		return text
	}
	lines := regexp.MustCompile(`\n  (line \d+):`).FindAllStringSubmatch(text, -1)
	var places []string
	for _, l := range lines {
		places = append(places, l[1])
	}
	return strings.Join(places, ", ") + ": unknown key, or a value of the wrong kind"
}
