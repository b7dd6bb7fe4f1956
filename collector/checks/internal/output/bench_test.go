package output

import (
	"strings"
	"testing"
)

func bench(b *testing.B, o Options, text string) {
	p, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if got := p.Parse([]byte(text), 0); got.Series != 200 {
			b.Fatalf("%+v", got)
		}
	}
}

// BenchmarkPrometheus parses 200 series in ten families.
func BenchmarkPrometheus(b *testing.B) {
	var text strings.Builder
	for _, kind := range strings.Split("abcdefghij", "") {
		name := "job_" + kind
		text.WriteString("# HELP " + name + " Value of a job.\n# TYPE " + name + " gauge\n")
		text.WriteString(repeat(name+"{job=\"job\",queue=\"queue-%d\"} 1234.5\n", 20))
	}
	bench(b, Options{Format: Prometheus}, text.String())
}

// BenchmarkJSON parses four values and two labels of 50 disks.
func BenchmarkJSON(b *testing.B) {
	metrics := []Metric{}
	for _, name := range []string{"temp", "hours", "errors", "size"} {
		metrics = append(metrics, Metric{Name: "disk_" + name, Each: ".disks[]", Value: "." + name, LabelValues: map[string]string{"disk": ".name", "model": ".model"}})
	}
	disk := `{"name":"sd%d","model":"Sample 4TB","temp":31,"hours":12345,"errors":0,"size":4000787030016},`
	bench(b, Options{Format: JSON, Metrics: metrics}, `{"disks":[`+strings.TrimSuffix(repeat(disk, 50), ",")+"]}")
}
