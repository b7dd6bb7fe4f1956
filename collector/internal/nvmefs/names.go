package nvmefs

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// IsController reports whether a name is that of a controller, such as nvme3.
func IsController(name string) bool {
	_, ok := scan.NumberAfter("nvme", name)
	return ok
}

// IsSubsystem reports whether a name is that of a subsystem, such as
// nvme-subsys3.
func IsSubsystem(name string) bool {
	_, ok := scan.NumberAfter("nvme-subsys", name)
	return ok
}

// IsHead reports whether a name is that of a namespace as a block device that
// may have several paths, such as nvme3n1.
func IsHead(name string) bool {
	_, ok := namespaceInstance(name)
	return ok && strings.IndexByte(name[len("nvme"):], 'c') < 0
}

// HeadOf returns the head that a path belongs to: nvme3n1 for nvme3c4n1. It
// reports false for a name that is not of a path.
func HeadOf(path string) (string, bool) {
	if _, ok := namespaceInstance(path); !ok {
		return "", false
	}
	c := strings.IndexByte(path, 'c')
	if c < 0 {
		return "", false
	}
	n := strings.LastIndexByte(path, 'n')
	return path[:c] + path[n:], true
}

// namespaceInstance returns the last number of a name such as nvme2n1 or
// nvme3c4n1.
func namespaceInstance(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "nvme")
	device, rest := cutDigits(rest)
	if !ok || device == "" {
		return "", false
	}
	if path, ok := strings.CutPrefix(rest, "c"); ok {
		if device, rest = cutDigits(path); device == "" {
			return "", false
		}
	}
	rest, ok = strings.CutPrefix(rest, "n")
	instance, rest := cutDigits(rest)
	return instance, ok && instance != "" && rest == ""
}

// cutDigits cuts the leading digits off s.
func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}
