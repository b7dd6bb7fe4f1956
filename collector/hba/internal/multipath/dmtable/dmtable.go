// Package dmtable parses the state of a multipath map in the kernel: which paths
// failed, which group is in use, and whether the map queues. The texts are those
// that dmsetup status and dmsetup table show after the word multipath.
//
// See multipath_status in drivers/md/dm-mpath.c.
package dmtable

import (
	"fmt"
	"strconv"
	"strings"
)

// A Status is the state of a map.
type Status struct {
	QueueingIO bool // I/O waits for a group to be made ready, or for a path
	Groups     []Group
}

// A Group is a group of paths that are used together. Its number is its place,
// counted from 1.
type Group struct {
	State GroupState
	Paths []Path
}

// A GroupState is what the map does with a group.
type GroupState uint8

// The states of groups.
const (
	Active   GroupState = iota // in use
	Enabled                    // used when no other is left
	Disabled                   // set aside, and used after those that are enabled
	NumGroupStates
)

var groupStates = [NumGroupStates]string{"active", "enabled", "disabled"}

// String returns the state as a label value.
func (s GroupState) String() string { return groupStates[s] }

// A Path is a device that a map sends I/O to.
type Path struct {
	Dev      string // major:minor
	Failed   bool   // until something reinstates it
	Failures uint64 // how often it failed, since the table was loaded
}

// maxGroups and maxPaths bound the numbers in a text; the kernel takes fewer.
const (
	maxGroups = 1 << 10
	maxPaths  = 1 << 16
)

// ParseStatus parses a state such as
//
//	2 0 0 0 2 1 A 0 1 2 8:16 A 0 0 1 E 0 1 2 8:32 F 3 0 1
//
// which is: features, of which the first is whether I/O is queued; arguments of
// the hardware handler; the number of groups, and which is the next; of each
// group its state, arguments of its selector, the number of its paths and of
// their arguments; of each path its device, its state, how often it failed, and
// its arguments.
func ParseStatus(text string) (Status, error) {
	w := words{rest: text}
	var s Status
	features := w.count("a number of features", maxPaths)
	for i := range features {
		feature := w.next("a feature")
		if i == 0 && !w.broken() {
			s.QueueingIO = w.flag("whether I/O is queued", feature)
		}
	}
	w.skip(w.count("a number of handler arguments", maxPaths), "a handler argument")
	groups := w.count("a number of groups", maxGroups)
	w.count("the number of the next group", maxGroups)
	for range groups {
		g, ok := w.group()
		if !ok {
			break
		}
		s.Groups = append(s.Groups, g)
	}
	return s, w.end()
}

func (w *words) group() (Group, bool) {
	var g Group
	switch word := w.next("the state of a group"); word {
	case "A":
		g.State = Active
	case "E":
		g.State = Enabled
	case "D":
		g.State = Disabled
	default:
		w.bad("A, E or D for the state of a group", word)
	}
	w.skip(w.count("a number of selector arguments", maxPaths), "a selector argument")
	paths := w.count("a number of paths", maxPaths)
	arguments := w.count("a number of path arguments", maxPaths)
	for range paths {
		p := Path{Dev: w.device()}
		switch word := w.next("the state of a path"); word {
		case "A":
		case "F":
			p.Failed = true
		default:
			w.bad("A or F for the state of a path", word)
		}
		p.Failures = w.number("how often a path failed")
		w.skip(arguments, "a path argument")
		if w.broken() {
			return g, false
		}
		g.Paths = append(g.Paths, p)
	}
	return g, !w.broken()
}

// device parses a device by its numbers, such as 8:16.
func (w *words) device() string {
	word := w.next("a device")
	if !IsDevice(word) {
		w.bad("a device such as 8:16", word)
	}
	return word
}

// IsDevice reports whether a word is the numbers of a device, such as 8:16.
func IsDevice(word string) bool {
	major, minor, _ := strings.Cut(word, ":")
	return isNumber(major) && isNumber(minor)
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil && s[0] != '+'
}

// QueuesIfNoPath parses from a table whether I/O waits when no path is left,
// and does not fail:
//
//	1 queue_if_no_path 1 alua 2 1 service-time 0 1 2 8:16 1 1 service-time 0 1 2 8:32 1 1
//
// It parses no further than the features and the handler.
func QueuesIfNoPath(table string) (queues bool, err error) {
	w := words{rest: table}
	for range w.count("a number of features", maxPaths) {
		queues = w.next("a feature") == "queue_if_no_path" || queues
		if w.broken() {
			break
		}
	}
	w.skip(w.count("a number of handler words", maxPaths), "a handler word")
	w.count("a number of groups", maxGroups)
	w.count("the number of the next group", maxGroups)
	return queues && w.err == nil, w.err
}

// words are the words of a text. The first error is kept, and nothing is parsed
// after it.
type words struct {
	rest string
	at   int // of the last word, counted from 1
	err  error
}

func (w *words) broken() bool { return w.err != nil }

func (w *words) bad(want, have string) {
	if w.err == nil {
		w.err = fmt.Errorf("word %d: want %s, have %q", w.at, want, have[:min(len(have), 80)])
	}
}

// next returns the next word, or "" after an error.
func (w *words) next(want string) string {
	if w.broken() {
		return ""
	}
	w.at++
	word, rest, _ := strings.Cut(strings.TrimLeft(w.rest, " "), " ")
	if w.rest = rest; word == "" {
		w.bad(want, "")
	}
	return word
}

func (w *words) number(want string) uint64 {
	word := w.next(want)
	if w.broken() {
		return 0
	}
	v, err := strconv.ParseUint(word, 10, 64)
	if err != nil {
		w.bad(want, word)
		return 0
	}
	return v
}

// count parses how many of something follow. It returns zero after an error.
func (w *words) count(want string, limit uint64) int {
	v := w.number(want)
	if v > limit {
		w.bad(want, strconv.FormatUint(v, 10))
		return 0
	}
	return int(v)
}

func (w *words) flag(want, word string) bool {
	if word != "0" && word != "1" {
		w.bad("0 or 1 for "+want, word)
	}
	return word == "1"
}

func (w *words) skip(n int, want string) {
	for range n {
		if w.next(want); w.broken() {
			return
		}
	}
}

// end returns the first error, or one about words that should not be there.
func (w *words) end() error {
	if rest := strings.TrimSpace(w.rest); rest != "" && !w.broken() {
		w.at++
		w.bad("the end", rest)
	}
	return w.err
}
