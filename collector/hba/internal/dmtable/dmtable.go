// Package dmtable reads what the kernel says of a multipath map: which paths
// it has given up, which group it uses, and whether it queues. The texts are
// those that dmsetup status and dmsetup table show after the word multipath.
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
	Failed   bool   // given up until something reinstates it
	Failures uint64 // how often it was given up, since the table was loaded
}

// mostGroups and mostPaths bound what is believed of a text; the kernel takes
// fewer.
const (
	mostGroups = 1 << 10
	mostPaths  = 1 << 16
)

// ParseStatus reads a state such as
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
	features := w.count("a number of features", mostPaths)
	for i := range features {
		feature := w.next("a feature")
		if i == 0 && !w.broken() {
			s.QueueingIO = w.flag("whether I/O is queued", feature)
		}
	}
	w.skip(w.count("a number of handler arguments", mostPaths), "a handler argument")
	groups := w.count("a number of groups", mostGroups)
	w.count("the number of the next group", mostGroups)
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
	w.skip(w.count("a number of selector arguments", mostPaths), "a selector argument")
	paths := w.count("a number of paths", mostPaths)
	arguments := w.count("a number of path arguments", mostPaths)
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

// device reads a device by its numbers, such as 8:16.
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

// QueuesIfNoPath reads from a table whether I/O waits when no path is left,
// and does not fail:
//
//	1 queue_if_no_path 1 alua 2 1 service-time 0 1 2 8:16 1 1 service-time 0 1 2 8:32 1 1
//
// It reads no further than the features and the handler.
func QueuesIfNoPath(table string) (queues bool, err error) {
	w := words{rest: table}
	for range w.count("a number of features", mostPaths) {
		queues = w.next("a feature") == "queue_if_no_path" || queues
		if w.broken() {
			break
		}
	}
	w.skip(w.count("a number of handler words", mostPaths), "a handler word")
	w.count("a number of groups", mostGroups)
	w.count("the number of the next group", mostGroups)
	return queues && w.err == nil, w.err
}

// words are the words of a text. What is wrong first is remembered, and nothing
// is read after it.
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

// next returns the next word; empty where something is wrong.
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

// count reads how many of something follow; zero where something is wrong.
func (w *words) count(want string, most uint64) int {
	v := w.number(want)
	if v > most {
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

// end returns what was wrong, or that there is more than there should be.
func (w *words) end() error {
	if rest := strings.TrimSpace(w.rest); rest != "" && !w.broken() {
		w.at++
		w.bad("the end", rest)
	}
	return w.err
}
