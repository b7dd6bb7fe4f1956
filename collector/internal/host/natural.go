package host

import "strings"

// CompareNatural compares names in natural order, in which runs of digits are
// numbers: cpu2 is before cpu10. The result is that of strings.Compare in sign.
func CompareNatural(a, b string) int {
	x, y := a, b
	for len(x) > 0 && len(y) > 0 {
		nx, ny := digitCount(x), digitCount(y)
		if nx > 0 && ny > 0 {
			dx, dy := trimZeros(x[:nx]), trimZeros(y[:ny])
			if len(dx) != len(dy) {
				return len(dx) - len(dy)
			}
			if dx != dy {
				return strings.Compare(dx, dy)
			}
			x, y = x[nx:], y[ny:]
			continue
		}
		if x[0] != y[0] {
			return int(x[0]) - int(y[0])
		}
		x, y = x[1:], y[1:]
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(a, b)
}

// digitCount returns the number of digits at the start of s.
func digitCount(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}
