package nvmefs

import "strings"

// isController reports whether a name is one such as nvme3.
func isController(name string) bool {
	rest, ok := strings.CutPrefix(name, "nvme")
	digits, rest := number(rest)
	return ok && digits != "" && rest == ""
}

// namespaceInstance returns the last number of a name such as nvme2n1 or
// nvme3c4n1.
func namespaceInstance(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "nvme")
	device, rest := number(rest)
	if !ok || device == "" {
		return "", false
	}
	if path, ok := strings.CutPrefix(rest, "c"); ok {
		if device, rest = number(path); device == "" {
			return "", false
		}
	}
	rest, ok = strings.CutPrefix(rest, "n")
	instance, rest := number(rest)
	return instance, ok && instance != "" && rest == ""
}

// isHead reports whether a name is that of a namespace that a subsystem
// shares, such as nvme3n1.
func isHead(name string) bool {
	_, ok := namespaceInstance(name)
	return ok && strings.IndexByte(name[len("nvme"):], 'c') < 0
}

// number cuts the digits off that s starts with.
func number(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}
