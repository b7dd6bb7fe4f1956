// Command dashboards writes the dashboards of hosts for Grafana, docs/dashboards/host-*.json.
// boards.go has what they show, board.go how a dashboard is put together.
package main

//go:generate go run . ../../../../docs/dashboards

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "docs/dashboards"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	files, err := render()
	for name, content := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// render returns the dashboards by the name of their file.
func render() (map[string][]byte, error) {
	all := boards()
	files := map[string][]byte{}
	for _, b := range all {
		content, err := b.json(all)
		if err != nil {
			return nil, err
		}
		files[b.uid+".json"] = content
	}
	return files, nil
}
