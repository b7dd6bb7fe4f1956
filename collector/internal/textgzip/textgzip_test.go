package textgzip

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

// decompress returns the text of gzip members, read by the standard library.
func decompress(t testing.TB, b []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(text), err)
	}
	return string(text)
}

// exposition returns a text like that of a host with a number of CPUs. Values
// depend on the round.
func exposition(cpus, round int) string {
	random := rand.New(rand.NewPCG(1, uint64(round)))
	var b strings.Builder
	for i := range 60 {
		name := fmt.Sprintf("node_subsystem%d_events_%d_total", i/7, i)
		fmt.Fprintf(&b, "# HELP %s Events of kind %d in the subsystem since boot, from /proc/subsystem.\n# TYPE %s counter\n", name, i, name)
		fmt.Fprintf(&b, "%s %d\n", name, random.IntN(1e6))
	}
	b.WriteString("# HELP node_cpu_seconds_total CPU time by mode, in seconds, from /proc/stat.\n# TYPE node_cpu_seconds_total counter\n")
	for cpu := range cpus {
		for _, mode := range []string{"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"} {
			fmt.Fprintf(&b, "node_cpu_seconds_total{cpu=\"%d\",mode=\"%s\"} %.2f\n", cpu, mode, 1e4*random.Float64())
		}
	}
	return b.String()
}

// check compresses a text, decompresses it, and returns the compressed length.
func check(t testing.TB, e *Encoder, text string) int {
	t.Helper()
	prefix := []byte("before")
	b := e.Append(prefix, []byte(text))
	if !bytes.HasPrefix(b, prefix) {
		t.Fatalf("want the bytes before, have %q", b[:min(len(b), 20)])
	}
	b = b[len(prefix):]
	if have := decompress(t, b); have != text {
		t.Fatalf("want %d bytes, have %d, different", len(text), len(have))
	}
	return len(b)
}

func TestRoundTrips(t *testing.T) {
	full := exposition(8, 1)
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	header := "# HELP a_total Text.\n# TYPE a_total counter\n"
	texts := map[string]string{
		"empty":                       "",
		"one byte":                    "x",
		"a host":                      full,
		"more CPUs":                   exposition(2000, 1), // several windows
		"without a newline":           strings.TrimSuffix(full, "\n"),
		"random bytes":                string(random),
		"one byte repeated":           strings.Repeat("a", 100_000),
		"one line repeated":           strings.Repeat("node_x{a=\"b\"} 0\n", 10_000),
		"a header twice":              header + "a_total 1\n" + header + "a_total 1\n",
		"a header alone":              header,
		"another HELP":                strings.Replace(header, "Text", "Other text", 1) + "a_total 1\n",
		"a longer HELP":               strings.Repeat("# HELP a_total "+strings.Repeat("text ", 400)+"\n# TYPE a_total counter\na_total 1\n", 3),
		"comments":                    "#\n# \n# HELP\n# HELP \n# HELP a\n# HELP a b\n#EOF\n# HELP a_total",
		"TYPE only":                   "# TYPE a_total counter\na_total 1\n# TYPE b gauge\nb 1\n",
		"HELP and TYPE of two names":  "# HELP a b\n# TYPE c gauge\nc 1\n",
		"a header far away":           header + "a_total 1\n" + strings.Repeat(string(random[:9]), 5000) + "\n" + header + "a_total 2\n",
		"headers in another order":    reverseFamilies(full),
		"headers without some others": everySecondFamily(full),
	}
	e := New()
	for range 3 { // each after each other
		for name, text := range texts {
			t.Run(name, func(t *testing.T) {
				check(t, e, text)
				check(t, New(), text)
			})
		}
	}
}

// families cuts a text before each header.
func families(text string) []string {
	parts := strings.SplitAfter(text, "\n")
	var all []string
	for _, line := range parts {
		if strings.HasPrefix(line, "# HELP") || len(all) == 0 {
			all = append(all, "")
		}
		all[len(all)-1] += line
	}
	return all
}

func reverseFamilies(text string) string {
	var b strings.Builder
	all := families(text)
	for i := range all {
		b.WriteString(all[len(all)-1-i])
	}
	return b.String()
}

func everySecondFamily(text string) string {
	var b strings.Builder
	for i, f := range families(text) {
		if i%2 == 1 {
			b.WriteString(f)
		}
	}
	return b.String()
}

// TestSize compares with a general compressor of as little memory.
func TestSize(t *testing.T) {
	e := New()
	for round := range 4 {
		for _, cpus := range []int{2, 100} {
			text := exposition(cpus, round)
			have, want := check(t, e, text), len(general(t, text))
			if have > want+want/20 {
				t.Errorf("round %d, %d CPUs: %d bytes of %d, a general compressor has %d", round, cpus, have, len(text), want)
			}
		}
	}
}

func general(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := kgzip.NewWriterLevel(&b, kgzip.StatelessCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

func TestDoesNotAllocate(t *testing.T) {
	e := New()
	text := []byte(exposition(10, 1))
	b := e.Append(nil, text)
	if n := testing.AllocsPerRun(10, func() { b = e.Append(b[:0], text) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// TestSymbols writes each length and each distance.
func TestSymbols(t *testing.T) {
	random := make([]byte, window)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for distance := 1; distance <= window; distance += 1 + distance/3 {
		for _, n := range []int{3, 4, 10, 11, 18, 257, 258, 259, 260, 261, 515, 516, 517, 518, 1000} {
			w := writer{counting: true}
			w.match(n, distance)
			w.build()
			w.counting = false
			w.begin(nil)
			w.reserve(len(random) + n)
			w.literals(random)
			w.match(n, distance)
			want := bytes.Clone(random)
			for range n {
				want = append(want, want[len(want)-distance])
			}
			b := w.end()
			// Without a checksum the reader fails at the end.
			r, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if have, _ := io.ReadAll(r); !bytes.Equal(have, want) {
				t.Fatalf("%d bytes at distance %d: have %d bytes, want %d", n, distance, len(have), len(want))
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("# HELP a b\n# TYPE a gauge\na 1\n", "# HELP a c\n# TYPE a gauge\na 1\n")
	f.Add(exposition(1, 1), exposition(2, 1))
	f.Add("", "#")
	f.Add("#HELP0\n ", "# HELP a 2\n# TYPE \x01 gauge\nF 0\n") // a header without a name
	f.Fuzz(func(t *testing.T, first, second string) {
		e := New()
		for _, text := range []string{first, second, first + second, second + first} {
			check(t, e, text)
		}
	})
}

func BenchmarkExposition(b *testing.B) {
	text := []byte(exposition(10, 1))
	b.Run("textgzip", func(b *testing.B) {
		e := New()
		var out []byte
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			out = e.Append(out[:0], text)
		}
		b.ReportMetric(float64(len(out)), "bytes")
	})
	b.Run("general", func(b *testing.B) {
		w, _ := kgzip.NewWriterLevel(nil, kgzip.StatelessCompression)
		var out bytes.Buffer
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			out.Reset()
			w.Reset(&out)
			_, _ = w.Write(text)
			_ = w.Close()
		}
		b.ReportMetric(float64(out.Len()), "bytes")
	})
}
