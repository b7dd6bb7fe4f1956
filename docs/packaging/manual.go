package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// manual is the manual page and the completions of shells.
type manual struct {
	page        []byte
	completions map[string][]byte // by shell
}

// readManual takes the page from docs/man and the completions from the command
// completion. Where there is no page, kingpin writes it.
func readManual(root, binary string) (manual, error) {
	m := manual{completions: map[string][]byte{}}
	var err error
	m.page, err = os.ReadFile(filepath.Join(root, "docs/man/host_exporter.1"))
	if errors.Is(err, fs.ErrNotExist) {
		m.page, err = command(root, nil, binary, "--help-man")
		m.page = mendPage(m.page)
	}
	if err != nil {
		return m, err
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if m.completions[shell], err = command(root, nil, binary, "completion", shell); err != nil {
			return m, err
		}
	}
	return m, nil
}

var strayBackslash = regexp.MustCompile(`\\(f[BIR]|)`)

// mendPage corrects what kingpin writes: a page without a description, and texts with
// backslashes that are not escaped.
func mendPage(page []byte) []byte {
	page = strayBackslash.ReplaceAllFunc(page, func(m []byte) []byte {
		if len(m) > 1 {
			return m
		}
		return []byte(`\e`)
	})
	// Long values of flags cannot be adjusted to both margins.
	page = bytes.Replace(page, []byte("\n"), []byte("\n.ad l\n"), 1)
	return bytes.Replace(page, []byte("\"NAME\"\nhost_exporter\n"), []byte("\"NAME\"\nhost_exporter \\- "+summary+"\n"), 1)
}

// completionNames are the files that the shells look for.
var completionNames = map[string]string{"bash": "host_exporter", "zsh": "_host_exporter", "fish": "host_exporter.fish"}

// files returns the page and the completions for an archive.
func (m manual) files(pages, completions string) []file {
	all := []file{{pages + "/host_exporter.1", 0o644, m.page}}
	for shell, script := range m.completions {
		all = append(all, file{completions + "/" + shell + "/" + completionNames[shell], 0o644, script})
	}
	return all
}
