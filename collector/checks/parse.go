package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
)

// maxFamilyBytes is the maximum size of the families that a check publishes.
const maxFamilyBytes = 8 << 20

// A parseSpec is what a supervisor needs to parse the output of a run.
type parseSpec struct {
	Output      output.Options
	ExitCodes   map[string]float64
	StdoutLimit int64
	Labels      map[string]string
	ExitCode    int
}

// newParseSpec returns the spec for a run of a check.
func newParseSpec(d definition.Definition, exitCode int) ([]byte, error) {
	return json.Marshal(parseSpec{Output: d.Output, ExitCodes: d.ExitCodes, StdoutLimit: d.StdoutLimit, Labels: d.Labels, ExitCode: exitCode})
}

// A parsed is the result of parsing. Its families follow it, each with its length.
type parsed struct {
	Err      string // why the whole output is rejected; empty for none
	Drops    scheduler.Counts
	Problems []string
}

// parseOutput parses the output of a run in its supervisor.
func parseOutput(spec, stdout []byte) []byte {
	p, families := parse(spec, stdout)
	b, err := encodeParsed(p, families)
	if err == nil {
		return b
	}
	p.Err = err.Error()
	b, _ = encodeParsed(p, nil) // there are no families to fail
	return b
}

func parse(text, stdout []byte) (parsed, []*dto.MetricFamily) {
	var spec parseSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return parsed{Err: err.Error()}, nil
	}
	parser, err := definition.Definition{Output: spec.Output, ExitCodes: spec.ExitCodes, StdoutLimit: spec.StdoutLimit}.Parser()
	if err != nil {
		return parsed{Err: err.Error()}, nil
	}
	r := parser.Parse(stdout, spec.ExitCode)
	p := parsed{Problems: r.Problems}
	for reason, n := range r.Drops {
		p.Drops = p.Drops.With(string(reason), uint64(max(n, 0)))
	}
	if r.Err != nil {
		p.Err = r.Err.Error()
		return p, nil
	}
	addLabels(r.Families, spec.Labels)
	return p, r.Families
}

// encodeParsed returns the result in JSON, and the families in protobuf.
func encodeParsed(p parsed, families []*dto.MetricFamily) ([]byte, error) {
	head, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return appendFamilies(append(head, '\n'), families)
}

// decodeParsed is the reverse of encodeParsed. It accepts no more series than a check
// may publish.
func decodeParsed(b []byte, maxSeries int) (p parsed, families []*dto.MetricFamily, err error) {
	head, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return p, nil, errors.New("the supervisor's result is incomplete")
	}
	if err := json.Unmarshal(head, &p); err != nil {
		return p, nil, err
	}
	families, err = decodeFamilies(rest, maxSeries)
	return p, families, err
}

// appendFamilies appends families in protobuf, each with its length.
func appendFamilies(b []byte, families []*dto.MetricFamily) ([]byte, error) {
	w := bytes.NewBuffer(b)
	before := w.Len()
	for _, f := range families {
		if _, err := protodelim.MarshalTo(w, f); err != nil {
			return nil, err
		}
		if w.Len()-before > maxFamilyBytes {
			return nil, fmt.Errorf("want at most %d bytes of families, have more", maxFamilyBytes)
		}
	}
	return w.Bytes(), nil
}

// decodeFamilies returns the families of appendFamilies. Each has a name and a type, and
// together they have at most maxSeries series.
func decodeFamilies(b []byte, maxSeries int) (all []*dto.MetricFamily, err error) {
	if len(b) > maxFamilyBytes {
		return nil, fmt.Errorf("want at most %d bytes of families, have %d", maxFamilyBytes, len(b))
	}
	series := 0
	for r := bytes.NewReader(b); r.Len() > 0; {
		f := new(dto.MetricFamily)
		if err := (protodelim.UnmarshalOptions{MaxSize: int64(r.Len())}).UnmarshalFrom(r, f); err != nil {
			return nil, fmt.Errorf("decoding families: %w", err)
		}
		if f.Name == nil || f.Type == nil || len(f.Metric) == 0 {
			return nil, fmt.Errorf("decoding families: want a name, a type and series, have %.100q", f.GetName())
		}
		if series += len(f.Metric); series > maxSeries {
			return nil, fmt.Errorf("want at most %d series, have more", maxSeries)
		}
		all = append(all, f)
	}
	return all, nil
}
