package storage

import (
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// rpcStats parses a file of /proc/net/rpc, where each line is a word and
// numbers:
//
//	rpc 4329785 0 4338291
//	proc3 22 1 4084749 29200 ...
//
// Kernels have different lines, and different numbers of requests in a line. So
// unknown lines are skipped, and a line of requests may be shorter than the
// list of methods.
type rpcStats struct {
	lines  []rpcLine
	values []uint64 // of the current line
}

// An rpcLine has the families of the numbers in a line.
type rpcLine struct {
	word     string
	hasCount bool       // whether the first number is the count of the others
	fields   []rpcField // in the order of the line
	wasRead  bool       // whether the current file had the line already
}

// An rpcField is a number in a line with its sample. The index starts at 0,
// after the count if there is one.
type rpcField struct {
	index  int
	family *metric.Family
	labels []string
}

// rpcMethods returns a line with a count and the requests of each method, for a
// family with the labels method and proto. A method without a name is not
// exported.
func rpcMethods(requests *metric.Family, word, version string, methods []string) rpcLine {
	l := rpcLine{word: word, hasCount: true}
	for i, method := range methods {
		if method != "" {
			l.fields = append(l.fields, rpcField{i, requests, []string{method, version}})
		}
	}
	return l
}

// emit emits the samples of a file. It returns an error if no line is known.
func (s *rpcStats) emit(proc *host.Reader, b []byte, out *metric.Sink) error {
	for i := range s.lines {
		s.lines[i].wasRead = false
	}
	hasLine := false
	rest := b
	for n := 1; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		word, numbers := scan.Field(line)
		if len(word) == 0 {
			continue
		}
		l := s.findLine(word)
		if l == nil {
			continue
		}
		if l.wasRead {
			out.Error(proc.At(host.Bad(n, "one line "+l.word, line)))
			continue
		}
		hasLine, l.wasRead = true, true
		if err := s.emitLine(l, n, numbers, out); err != nil {
			out.Error(proc.At(err))
		}
	}
	if !hasLine {
		return proc.At(host.Bad(1, "statistics of RPC and NFS", b))
	}
	return nil
}

// findLine returns the line that starts with a word, or nil.
func (s *rpcStats) findLine(word []byte) *rpcLine {
	for i := range s.lines {
		if s.lines[i].word == string(word) {
			return &s.lines[i]
		}
	}
	return nil
}

// emitLine emits the numbers of a line, up to a malformed number: those after
// it may have another meaning.
func (s *rpcStats) emitLine(l *rpcLine, n int, numbers []byte, out *metric.Sink) error {
	last := len(l.fields) - 1
	want := l.fields[last].index + 1
	s.values = s.values[:0]
	malformed := false
	for field, rest := scan.Field(numbers); len(field) > 0; field, rest = scan.Field(rest) {
		if !l.hasCount && len(s.values) == want {
			break // the other fields are not exported, and need not be whole numbers
		}
		v, ok := scan.Counter(field)
		if malformed = !ok; malformed {
			break
		}
		s.values = append(s.values, v)
	}
	values := s.values
	if l.hasCount {
		// A line with a wrong count is truncated or of another format.
		if malformed || len(values) == 0 || values[0] != uint64(len(values)-1) {
			return host.Bad(n, "the count of the numbers in line "+l.word, numbers)
		}
		values = values[1:]
	}
	for _, f := range l.fields {
		if f.index < len(values) {
			out.Emit(f.family, float64(values[f.index]), f.labels...)
		}
	}
	if !l.hasCount && len(values) < want {
		return host.Bad(n, fmt.Sprintf("%d numbers in line %s", want, l.word), numbers)
	}
	return nil
}
