package rtnl

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// Names keeps the strings of device names from round to round, and sees to it
// that each device is told once a round: an interrupted dump may list a link
// twice, and two odd names may look the same as labels. The zero value is
// ready for use; it is not for concurrent use.
type Names struct {
	round uint64
	taken int
	known map[string]*name
}

type name struct {
	text  string
	label *name // by the name as a label; itself, but for odd names
	round uint64
}

// Begin starts a round. It forgets names when most have not been seen in the
// round before.
func (n *Names) Begin() {
	if n.known == nil {
		n.known = map[string]*name{}
	}
	if len(n.known) > 2*n.taken+64 {
		for key, e := range n.known {
			if e.label.round != n.round {
				delete(n.known, key)
			}
		}
	}
	n.round++
	n.taken = 0
}

// Take returns a name as a string, and whether it is its first time in the
// round.
func (n *Names) Take(b []byte) (string, bool) {
	e := n.known[string(b)]
	if e == nil {
		e = n.add(string(b))
	}
	if e.label.round == n.round {
		return e.text, false
	}
	e.label.round = n.round
	n.taken++
	return e.text, true
}

func (n *Names) add(text string) *name {
	e := &name{text: text}
	e.label = e
	n.known[text] = e
	if label := metric.Clean(text); label != text {
		if e.label = n.known[label]; e.label == nil {
			e.label = n.add(label)
		}
	}
	return e
}
