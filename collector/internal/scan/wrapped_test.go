package scan

import "testing"

func TestWrappedNumbers(t *testing.T) {
	const malformed = 1<<64 - 7 // no input has this number
	for in, want := range map[string]struct{ counter, amount32, amount64 uint64 }{
		"0":                    {0, 0, 0},
		"2147483647":           {1<<31 - 1, 1<<31 - 1, 1<<31 - 1},
		"2147483648":           {1 << 31, 0, 1 << 31},
		"4294967295":           {1<<32 - 1, 0, 1<<32 - 1},
		"4294967296":           {1 << 32, 1 << 32, 1 << 32},
		"9223372036854775807":  {1<<63 - 1, 1<<63 - 1, 1<<63 - 1},
		"9223372036854775808":  {1 << 63, 0, 0},
		"18446744073709551615": {1<<64 - 1, 0, 0},
		"-1":                   {1<<32 - 1, 0, 0},
		"-2049562273":          {2245405023, 0, 0},
		"-2147483648":          {1 << 31, 0, 0},
		"-2147483649":          {1<<64 - 1<<31 - 1, 0, 0},
		"-9223372036854775808": {1 << 63, 0, 0},
		"+5":                   {5, 5, 5},
		"-9223372036854775809": {malformed, malformed, malformed},
		"18446744073709551616": {malformed, malformed, malformed},
		"":                     {malformed, malformed, malformed},
		"-":                    {malformed, malformed, malformed},
		"1x":                   {malformed, malformed, malformed},
	} {
		for name, f := range map[string]struct {
			parse func([]byte) (uint64, bool)
			want  uint64
		}{"Counter": {Counter, want.counter}, "Amount32": {Amount32, want.amount32}, "Amount64": {Amount64, want.amount64}} {
			v, ok := f.parse([]byte(in))
			if ok != (f.want != malformed) || ok && v != f.want {
				t.Errorf("%s(%q) = %d, %v, want %d", name, in, v, ok, f.want)
			}
		}
	}
}
