package storage

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	procfsbcachefs "github.com/prometheus/procfs/bcachefs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestParseBcachefsNumber(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
		ok   bool
	}{
		{"0", 0, true},
		{"405", 405, true},
		{"18446744073709551615", 1 << 64, true},
		{"542k", 555008, true},
		{"322M", 337641472, true},
		{"1.5G", 1610612736, true},
		{"2.05G", 2201170739, true},
		{"3.00E", 3 << 60, true},
		{"1.5", 1, true},
		{"", 0, false},
		{"k", 0, false},
		{".5k", 0, false},
		{"5.k", 0, false},
		{"1.2.3k", 0, false},
		{"-1", 0, false},
		{"1e3", 0, false},
		{"1X", 0, false},
		{"0x1p", 0, false},
		{"1 k", 0, false},
	} {
		if got, ok := parseBcachefsNumber([]byte(c.text)); ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %v, %v, want %v, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

// TestBcachefsMatchesProcfs compares with procfs. The test replaces the file of
// errors, because procfs requires the time of the last error as a number.
func TestBcachefsMatchesProcfs(t *testing.T) {
	root := t.TempDir()
	h := golden.Load(t, testdata+"/bcachefs.host", root)
	dirs, err := filepath.Glob(root + "/sys/fs/bcachefs/*")
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	uuid := filepath.Base(dirs[0])
	writeTree(t, dirs[0], map[string]string{"errors": "btree_node_read_err 5 1234567890\nalloc_key_data_type_wrong 2 1234567890\n"})
	text := collectorText(t, bcachefs, h, nil)
	want, err := procfsbcachefs.GetStats(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	samples := 1 // node_bcachefs_info
	has := func(v uint64, format string, args ...any) {
		t.Helper()
		samples++
		line := fmt.Sprintf("node_bcachefs_"+format+"uuid=%q} ", append(args, uuid)...)
		_, rest, _ := strings.Cut(text, "\n"+line)
		value, _, _ := strings.Cut(rest, "\n")
		if have, err := strconv.ParseFloat(value, 64); err != nil || have != float64(v) {
			t.Errorf("%s%s, want %d", line, value, v)
		}
	}
	has(want.BtreeCacheSizeBytes, "btree_cache_size_bytes{")
	for algorithm, s := range want.Compression {
		has(s.CompressedBytes, "compression_compressed_bytes{algorithm=%q,", algorithm)
		has(s.UncompressedBytes, "compression_uncompressed_bytes{algorithm=%q,", algorithm)
	}
	for name, s := range want.Errors {
		has(s.Count, "errors_total{error_type=%q,", name)
	}
	for name, s := range want.Counters {
		if name != "journal_write" { // procfs parses it as a float, for which it is too large
			has(s.SinceFilesystemCreation, name+"_total{")
		} else {
			samples++
		}
	}
	for name, s := range want.BtreeWrites {
		has(s.Count, "btree_writes_total{type=%q,", name)
		has(s.SizeBytes, "btree_write_average_size_bytes{type=%q,", name)
	}
	for device, s := range want.Devices {
		has(1, "device_info{device=%q,label=%q,state=%q,", device, s.Label, s.State)
		has(s.BucketSizeBytes, "device_bucket_size_bytes{device=%q,", device)
		has(s.Buckets, "device_buckets{device=%q,", device)
		has(s.Durability, "device_durability{device=%q,", device)
		for operation, types := range s.IODone {
			for name, v := range types {
				has(v, "device_io_done_bytes_total{data_type=%q,device=%q,operation=%q,", name, device, operation)
			}
		}
		for name, v := range s.IOErrors {
			has(v, "device_io_errors_total{device=%q,type=%q,", device, name)
		}
	}
	if n := strings.Count(text, "\n") - 2*strings.Count(text, "# HELP "); n != samples {
		t.Errorf("%d samples, procfs has %d", n, samples)
	}
}

// FuzzBcachefs gives every parser the same bytes, and checks that none panics
// or skips a malformed line without an error.
func FuzzBcachefs(f *testing.F) {
	f.Add([]byte("type compressed uncompressed\nlz4: 19.3G 67.0G 112k\n"))
	f.Add([]byte("   nr size\ninitial: 19088 108k\n"))
	f.Add([]byte("read:\n\n\tsb : 3\nwrite:\n\tuser: 4\n"))
	f.Add([]byte("IO errors since filesystem creation\n\n\tread: 3\n\nIO errors since 8 y ago\n\tread: 4\n"))
	f.Add([]byte("since mount: 1\nsince filesystem creation: 2.05G\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		set := metric.NewSet()
		c := newBcachefs(&collect.Env{Host: sysHost("/none"), Metrics: set})
		c.sys.Exists("fuzzed") // errors have the last path of the reader
		out := metric.NewSink(set)
		out.Reset(metric.Text)
		lines := bcachefsLines{sys: c.sys, out: out, rest: b}
		emitBcachefsRows(lines, "nr", c.writes, c.writeSize, "u")
		c.emitIO(lines, "d", "u")
		c.emitIOErrors(lines, "d", "u")
		errs, more := out.Errors()
		if len(bytes.Trim(b, " \t\n\r\v\f\x00")) > 0 && len(errs)+more == 0 && out.SampleCount() == 0 && !bytes.Contains(b, []byte("nr")) {
			t.Errorf("%q: no sample and no error", b)
		}
		parseBcachefsCounter(b)
		parseBcachefsError(b)
	})
}

func BenchmarkBcachefs(b *testing.B) {
	root := b.TempDir()
	h := golden.Load(b, testdata+"/bcachefs.host", root)
	h.Sys = host.NewTree(root + "/sys").Attributes() // without faults
	benchmarkCollector(b, bcachefs, h, nil)
}
