package rtnl

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// Names keeps the strings of device names from round to round, and finds the
// first use of each name in a round: an interrupted dump may list a link twice,
// and metric.Clean may make one label of two names. The zero value is ready for
// use; it is not for concurrent use.
type Names struct {
	round   uint64
	count   int // of first uses in the round
	entries map[string]*nameEntry
}

type nameEntry struct {
	text  string
	label *nameEntry // the entry of the name as a label, often the same
	round uint64
}

// Begin starts a round. It forgets the names that the last round did not use if
// they are the majority.
func (n *Names) Begin() {
	if n.entries == nil {
		n.entries = map[string]*nameEntry{}
	}
	if len(n.entries) > 2*n.count+64 {
		for key, e := range n.entries {
			if e.label.round != n.round {
				delete(n.entries, key)
			}
		}
	}
	n.round++
	n.count = 0
}

// Take returns a name as a string, and whether this is its first use in the
// round.
func (n *Names) Take(b []byte) (string, bool) {
	e := n.entries[string(b)]
	if e == nil {
		e = n.add(string(b))
	}
	if e.label.round == n.round {
		return e.text, false
	}
	e.label.round = n.round
	n.count++
	return e.text, true
}

func (n *Names) add(text string) *nameEntry {
	e := &nameEntry{text: text}
	e.label = e
	n.entries[text] = e
	if label := metric.Clean(text); label != text {
		if e.label = n.entries[label]; e.label == nil {
			e.label = n.add(label)
		}
	}
	return e
}
