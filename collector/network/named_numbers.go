package network

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// namedNumbers parses a file of /proc/net that has a name and a number in each
// line:
//
//	XfrmInError             	0
type namedNumbers struct {
	// declare returns the sample of an unknown name, or nil if it is not
	// exported. It reports whether the file can have such a name.
	declare func(name string) (sample *namedSample, ok bool)

	known map[string]*namedSample
	run   int
}

// A namedSample is the sample of a name.
type namedSample struct {
	family *metric.Family
	labels []string
	amount bool // whether the kernel adds and subtracts, so that it may fall below zero
	run    int  // the last run that emitted it
}

// emit emits the numbers of a file. It reports a malformed line and goes on with
// the next one. A repeated name is exported once.
func (t *namedNumbers) emit(proc *host.Reader, b []byte, out *metric.Sink) {
	t.run++
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		var fields [2][]byte
		count := scan.Fields(fields[:], line)
		if count == 0 {
			continue
		}
		v, isNumber := scan.Uint(fields[1])
		sample, isName := t.sample(fields[0])
		if count != len(fields) || !isNumber || !isName {
			out.Error(proc.At(host.Bad(n, "a name and a number", line)))
			continue
		}
		if sample != nil && sample.run != t.run {
			sample.run = t.run
			if sample.amount {
				v = scan.ClampAmount32(v)
			}
			out.Emit(sample.family, float64(v), sample.labels...)
		}
	}
}

func (t *namedNumbers) sample(name []byte) (sample *namedSample, ok bool) {
	if sample, ok = t.known[string(name)]; ok {
		return sample, true
	}
	if sample, ok = t.declare(string(name)); ok {
		t.known[string(name)] = sample
	}
	return sample, ok
}
