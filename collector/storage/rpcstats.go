package storage

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// rpcStats takes the files of /proc/net/rpc apart, in which each line is a
// word and numbers:
//
//	rpc 4329785 0 4338291
//	proc3 22 1 4084749 29200 ...
//
// Kernels differ in the lines that they have and in the length of those that
// count the requests of each procedure, so that a line nobody knows is passed
// over, and one that is shorter than another kernel's is taken for what it is.
type rpcStats struct {
	lines  []rpcLine
	values []uint64 // of the line in hand
}

// An rpcLine says what the numbers of a line mean.
type rpcLine struct {
	word     string
	hasCount bool       // whether the first number tells how many follow
	fields   []rpcField // in the order of the line
	isRead   bool       // in the file in hand
}

// An rpcField pairs a number of a line with a sample. Of a counted line, the
// first that follows the count is number 0.
type rpcField struct {
	index  int
	family *metric.Family
	labels []string
}

// rpcMethods returns a counted line: the requests of each method of a version
// of the protocol, for a family with the labels method and proto. A method
// without a name is not exported.
func rpcMethods(requests *metric.Family, word, version string, methods []string) rpcLine {
	l := rpcLine{word: word, hasCount: true}
	for i, method := range methods {
		if method != "" {
			l.fields = append(l.fields, rpcField{i, requests, []string{method, version}})
		}
	}
	return l
}

// emit emits what a file says. It returns an error when there is no line that
// it knows.
func (s *rpcStats) emit(proc *host.Reader, b []byte, out *metric.Sink) error {
	for i := range s.lines {
		s.lines[i].isRead = false
	}
	known := false
	rest := b
	for n := 1; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		word, numbers := scan.Field(line)
		if len(word) == 0 {
			continue
		}
		l := s.line(word)
		if l == nil {
			continue
		}
		if l.isRead {
			out.Error(proc.At(host.Bad(n, "no second line "+l.word, line)))
			continue
		}
		known, l.isRead = true, true
		if err := s.emitLine(l, n, numbers, out); err != nil {
			out.Error(proc.At(err))
		}
	}
	if !known {
		return proc.At(host.Bad(1, "statistics of RPC and NFS", b))
	}
	return nil
}

// line returns the line that starts with a word, or nil.
func (s *rpcStats) line(word []byte) *rpcLine {
	for i := range s.lines {
		if s.lines[i].word == string(word) {
			return &s.lines[i]
		}
	}
	return nil
}

// emitLine emits the numbers of a line. What stands behind a number that is
// broken is not emitted: nobody can tell whether it is what it was.
func (s *rpcStats) emitLine(l *rpcLine, n int, numbers []byte, out *metric.Sink) error {
	last := len(l.fields) - 1
	want := l.fields[last].index + 1
	s.values = s.values[:0]
	bad := false
	for field, rest := scan.Field(numbers); len(field) > 0; field, rest = scan.Field(rest) {
		if !l.hasCount && len(s.values) == want {
			break // what follows need not be a whole number, nor be known
		}
		v, ok := scan.Uint(field)
		if bad = !ok; bad {
			break
		}
		s.values = append(s.values, v)
	}
	values := s.values
	if l.hasCount {
		// A line whose count is wrong is half written, or of another format.
		if bad || len(values) == 0 || values[0] != uint64(len(values)-1) {
			return host.Bad(n, l.word+", a count and as many numbers", numbers)
		}
		values = values[1:]
	}
	for _, f := range l.fields {
		if f.index < len(values) {
			out.Emit(f.family, float64(values[f.index]), f.labels...)
		}
	}
	if !l.hasCount && len(values) < want {
		return host.Bad(n, l.word+" and numbers", numbers)
	}
	return nil
}
