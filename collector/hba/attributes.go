package hba

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// attributes reads sysfs attributes that are optional: one that is absent or
// empty, or that the driver refuses with EINVAL because it has no word for
// what it has, is no value and no fault. What else goes wrong is told.
//
// Only files that are named in the code are read, never what a folder happens
// to hold: among the neighbours of these files are some that reset the adapter,
// some that hold passwords, and some that cost a firmware command.
type attributes struct {
	sys *host.Reader
	out *metric.Sink
}

// text returns an attribute without blanks around it, and whether it is there.
func (a attributes) text(elem ...string) ([]byte, bool) {
	b, err := a.sys.Text(elem...)
	if err != nil {
		if !host.Gone(err) && !errors.Is(err, syscall.EINVAL) {
			a.out.Error(err)
		}
		return nil, false
	}
	return b, len(b) > 0
}

// label returns an attribute as a label value; empty when it has none.
func (a attributes) label(elem ...string) string {
	b, _ := a.text(elem...)
	return scsihost.Label(b)
}

// parsed returns an attribute that parse understands. Absent and misshapen
// are false; misshapen is told.
func parsed[T any](a attributes, want string, parse func([]byte) (T, bool), elem ...string) (v T, ok bool) {
	b, ok := a.text(elem...)
	if !ok {
		return v, false
	}
	if v, ok = parse(b); !ok {
		a.out.Error(a.sys.At(host.Bad(1, want, b)))
	}
	return v, ok
}

func (a attributes) uint(elem ...string) (uint64, bool) {
	return parsed(a, "an unsigned number", scan.Uint, elem...)
}

func (a attributes) int(elem ...string) (int64, bool) {
	return parsed(a, "a whole number", scan.Int, elem...)
}

func (a attributes) hex(elem ...string) (uint64, bool) {
	return parsed(a, "a hexadecimal number", scan.Hex, elem...)
}

func (a attributes) wwn(elem ...string) string {
	name, _ := parsed(a, "a world wide name", scsihost.WWN, elem...)
	return name
}

// speed reads an attribute such as "16 Gbit" in bits per second. Words for
// "not known" are zero.
func (a attributes) speed(elem ...string) float64 {
	v, _ := parsed(a, "a speed", speed, elem...)
	return v
}

// speed reads the speed of a link, such as 16 Gbit, in bits per second. It is
// zero where the kernel has a word instead, or more than one speed.
func speed(b []byte) (float64, bool) {
	if bytes.IndexByte(b, ',') >= 0 {
		_, ok := maxSpeed(b)
		return 0, ok
	}
	return maxSpeed(b)
}

// maxSpeed reads the highest of a list of speeds, such as 8 Gbit, 16 Gbit.
func maxSpeed(b []byte) (fastest float64, ok bool) {
	for more := true; more; {
		var one []byte
		one, b, more = bytes.Cut(b, []byte(","))
		one = scan.Trim(one)
		switch string(one) {
		case "unknown", "Unknown", "Not Negotiated", "":
			continue
		}
		number, ok := bytes.CutSuffix(one, []byte(" Gbit"))
		if !ok {
			return 0, false
		}
		gbit, ok := scan.Uint(number)
		if !ok {
			return 0, false
		}
		fastest = math.Max(fastest, float64(gbit)*1e9)
	}
	return fastest, true
}

// bytesOf reads a number of bytes: 2048 bytes.
func bytesOf(b []byte) (uint64, bool) {
	number, ok := bytes.CutSuffix(b, []byte(" bytes"))
	if !ok {
		return 0, false
	}
	return scan.Uint(number)
}

// A stateSet is a state as a set of series, one for each state there can be:
// 1 for the one in effect, 0 for the others.
type stateSet struct {
	family *metric.Family
	at     int      // place of the state among the family's labels
	words  []string // of the kernel
	states []string // label values, in the same order; a last one is for all other words
}

// newStateSet returns the set of a family with a label called state.
func newStateSet(family *metric.Family, words ...string) *stateSet {
	s := &stateSet{family: family, at: slices.Index(family.Labels(), "state"), words: words}
	for _, w := range words {
		s.states = append(s.states, snake(w))
	}
	s.states = append(s.states, "unknown")
	return s
}

// snake returns a word of the kernel as a label value: Not Present becomes
// not_present.
func snake(word string) string {
	b := []byte(word)
	for i, c := range b {
		switch {
		case c >= 'A' && c <= 'Z':
			b[i] = c - 'A' + 'a'
		case c == ' ', c == '-', c == '/':
			b[i] = '_'
		}
	}
	return string(b)
}

// known reports whether the kernel's word is one of the set. "Unknown" is.
func (s *stateSet) known(word []byte) bool {
	return slices.Contains(s.words, string(word)) || string(word) == "Unknown" || string(word) == "unknown"
}

// emit emits the set for the word that the kernel has. Of the labels, that of
// the state is overwritten.
func (s *stateSet) emit(out *metric.Sink, word []byte, labels []string) {
	matched := false
	for i, state := range s.states {
		is := i < len(s.words) && s.words[i] == string(word) || i == len(s.words) && !matched
		matched = matched || is
		labels[s.at] = state
		out.Bool(s.family, is, labels...)
	}
}

// state reads an attribute with a word for a state and emits its set. Nothing
// is emitted for one that is not there.
func (a attributes) state(set *stateSet, labels []string, elem ...string) (word []byte) {
	word, err := a.sys.Text(elem...)
	switch {
	case err == nil:
		if !set.known(word) {
			a.out.Error(a.sys.At(host.Bad(1, "a state that is known", word)))
		}
	case errors.Is(err, syscall.EINVAL): // the kernel has no word for it
		word = nil
	case host.Gone(err):
		return nil
	default:
		a.out.Error(err)
		return nil
	}
	set.emit(a.out, word, labels)
	return word
}
