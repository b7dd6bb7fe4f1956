package output

import (
	"fmt"
	"slices"
	"strings"
)

// repeat formats the numbers from 0 to n-1.
func repeat(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// familyOfDistinctLabels returns a family of n series, each with another one of n
// labels, and the others empty.
func familyOfDistinctLabels(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("l%d", i)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("# TYPE a untyped\n")
	for _, own := range names {
		b.WriteString("a{")
		for i, name := range names {
			value := ""
			if name == own {
				value = "1"
			}
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%s=%q", name, value)
		}
		b.WriteString("} 1\n")
	}
	return b.String()
}
