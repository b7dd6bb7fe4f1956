package attr

import (
	"errors"
	"slices"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// States is a state set: one series for each state, 1 for the current one and
// 0 for the others.
type States struct {
	Family *metric.Family
	label  int      // index of the label "state"
	Words  []string // as the kernel prints them
	States []string // label values, in the same order; the last one, unknown, is for all other words
}

// NewStates returns the state set of a family that has a label "state".
func NewStates(family *metric.Family, words ...string) *States {
	s := &States{Family: family, label: slices.Index(family.Labels(), "state"), Words: words}
	for _, w := range words {
		s.States = append(s.States, Snake(w))
	}
	s.States = append(s.States, "unknown")
	return s
}

// Snake returns a word of the kernel in Snake case: "Not Present" becomes
// not_present.
func Snake(word string) string {
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

// Known reports whether the set has a kernel's word. It always has "Unknown".
func (s *States) Known(word []byte) bool {
	return slices.Contains(s.Words, string(word)) || string(word) == "Unknown" || string(word) == "unknown"
}

// Emit emits the set with the state of word as the current one. It overwrites
// the label of the state in labels.
func (s *States) Emit(out *metric.Sink, word []byte, labels []string) {
	matched := false
	for i, state := range s.States {
		is := i < len(s.Words) && s.Words[i] == string(word) || i == len(s.Words) && !matched
		matched = matched || is
		labels[s.label] = state
		out.Bool(s.Family, is, labels...)
	}
}

// State reads an attribute that is a word for a state, and emits its set. It
// emits nothing if the attribute is absent, and reports a word that the set does
// not have.
func (a Reader) State(set *States, labels []string, elem ...string) (word []byte) {
	word, err := a.Sys.Text(elem...)
	switch {
	case err == nil:
		if !set.Known(word) {
			a.Out.Error(a.Sys.At(host.Bad(1, "a known state", word)))
		}
	case errors.Is(err, syscall.EINVAL): // the kernel has no word for it
		word = nil
	case refused(err):
		return nil
	default:
		host.ReportUnlessGone(err, a.Out.Error)
		return nil
	}
	set.Emit(a.Out, word, labels)
	return word
}

// RenamedStates is NewStates with label values of its own for some of the words.
func RenamedStates(family *metric.Family, states map[string]string, words ...string) *States {
	s := NewStates(family, words...)
	for i, w := range words {
		if state, ok := states[w]; ok {
			s.States[i] = state
		}
	}
	return s
}

// Index returns the index of a word's state in States.
func (s *States) Index(word []byte) int {
	for i, w := range s.Words {
		if w == string(word) {
			return i
		}
	}
	return len(s.Words)
}
