package exporter

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// checkRoots checks that the configured roots hold file systems of a host. An
// absent or empty procfs is an error: nearly all collectors would have no data,
// which looks like a healthy exporter of an empty host. Another root that lacks
// its usual content is a warning. Both are common mistakes in containers.
func (e *Exporter) checkRoots() error {
	if e.config.host != nil {
		return nil // a test's
	}
	for _, w := range rootWarnings(e.config.Paths) {
		_ = level.Warn(e.config.Log).Log("msg", "Root lacks its usual content", "flag", w.flag, "path", w.path, "hint", w.hint)
	}
	return procfsError(e.config.Paths.Procfs)
}

func procfsError(procfs string) error {
	if procfs == "" {
		return nil // the default of a program without flags
	}
	names, err := os.ReadDir(procfs)
	if err == nil && len(names) > 0 {
		return nil
	}
	have := "an empty directory"
	if err != nil {
		have = err.Error()
	}
	return fmt.Errorf("--path.procfs=%s: want a procfs, have %s: mount the host's /proc there (docker run -v /proc:%s:ro) or correct the flag", procfs, have, procfs)
}

// A rootWarning is a root that lacks its usual content.
type rootWarning struct{ flag, path, hint string }

func rootWarnings(p host.Paths) []rootWarning {
	var all []rootWarning
	for _, root := range []struct{ flag, path, content, mount string }{
		{"--path.sysfs", p.Sysfs, "class", "/sys"},
		{"--path.rootfs", p.Rootfs, "etc", "/"},
	} {
		if root.path == "" {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root.path, root.content)); err != nil {
			hint := fmt.Sprintf("mount the host's %s there (docker run -v %s:%s:ro) or correct the flag", root.mount, root.mount, root.path)
			all = append(all, rootWarning{root.flag, root.path, hint})
		}
	}
	return all
}
