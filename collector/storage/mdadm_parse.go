package storage

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// An mdArray has the content of /proc/mdstat for one array.
type mdArray struct {
	name  string
	state mdState

	members  uint64
	active   mdCount
	failed   mdCount
	spare    mdCount
	required mdCount
	blocks   mdCount
	synced   mdCount

	isStriped   bool // whether it has no redundancy, and required is the number of members
	headLine    int  // number of its first line
	hasSize     bool // whether there is a line with the blocks
	hasActivity bool // whether there is a line with an activity
}

// An mdCount is a number that may not be known.
type mdCount struct {
	value uint64
	known bool
}

func mdCountOf(v uint64) mdCount { return mdCount{v, true} }

// An mdState is the state or the activity of an array.
type mdState uint8

const (
	mdUnknown mdState = iota // a state or activity of another name
	mdActive
	mdInactive
	mdRecovering
	mdResync
	mdCheck
	mdReshape
	mdBroken // an array without redundancy that has lost a member, since Linux 5.4
)

func (s mdState) String() string {
	return [...]string{"unknown", "active", "inactive", "recovering", "resync", "check", "reshape", "broken"}[s]
}

// parseMdstat parses /proc/mdstat, reusing the memory of arrays:
//
//	Personalities : [raid1] [raid6] [raid5] [raid4]
//	md1 : active raid5 sdc[3] sdd[1] sdb[0]
//	      815104 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]
//	      [===========>.........]  recovery = 57.2% (233472/407552) finish=2.6min speed=1096K/sec
//	      bitmap: 1/1 pages [4KB], 65536KB chunk
//
//	unused devices: <none>
//
// An array all of whose members are gone has no line with its blocks: what stands
// behind them follows the members in the first line.
//
//	md126 : active raid5 super 1.2 level 5, 64k chunk, algorithm 2 [4/0] [____]
//
// A line that it does not understand is an error, and does not affect other
// arrays: the file differs with each personality, and later kernels add
// activities.
func parseMdstat(b []byte, arrays []mdArray) ([]mdArray, []error) {
	arrays = arrays[:0]
	if isUnraid(b) {
		return arrays, nil
	}
	var errs []error
	report := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	var current *mdArray // in arrays; nil for lines that belong to no array
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		text := scan.Trim(line)
		switch {
		case len(text) == 0:
		case line[0] == ' ' || line[0] == '\t':
			if current != nil {
				report(current.detail(text, n))
			}
		default:
			if current != nil {
				report(current.finish())
				current = nil
			}
			if isMdHeader(text) {
				continue
			}
			name, rest := scan.Field(text)
			colon, rest := scan.Field(rest)
			if string(colon) != ":" {
				report(host.Bad(n, "an array", line))
				continue
			}
			if hasMdArray(arrays, name) { // the list changed between two reads of the file
				continue
			}
			arrays = mdAppend(arrays, name)
			current = &arrays[len(arrays)-1]
			report(current.start(rest, n, line))
		}
	}
	if current != nil {
		report(current.finish())
	}
	return arrays, errs
}

// isUnraid reports whether a file is that of the md driver of Unraid, which has
// lines such as sbName=/boot/config/super.dat, and arrays that are not those of md.
func isUnraid(b []byte) bool { return bytes.HasPrefix(b, []byte("sbName=")) }

// isMdHeader reports whether a line belongs to no array.
func isMdHeader(line []byte) bool {
	return bytes.HasPrefix(line, []byte("Personalities")) || bytes.HasPrefix(line, []byte("unused devices")) ||
		bytes.HasPrefix(line, []byte("read_ahead")) || bytes.HasPrefix(line, []byte("Event:")) // Linux before 2.6.16
}

func hasMdArray[S string | []byte](arrays []mdArray, name S) bool {
	for i := range arrays {
		if arrays[i].name == string(name) {
			return true
		}
	}
	return false
}

// mdAppend appends an array of that name. It allocates the name only if the
// reused memory does not have it.
func mdAppend(arrays []mdArray, name []byte) []mdArray {
	if len(arrays) == cap(arrays) {
		return append(arrays, mdArray{name: string(name)})
	}
	arrays = arrays[:len(arrays)+1]
	a := &arrays[len(arrays)-1]
	text := a.name
	if text != string(name) {
		text = string(name)
	}
	*a = mdArray{name: text}
	return arrays
}

// start parses the first line of an array after the colon: a state, an optional
// (read-only) or (auto-read-only), a personality unless the array is inactive,
// and the members with their numbers and flags, such as sda[0](F). Without a
// member, and on Linux 2.2, the numbers of required and of active disks follow.
func (a *mdArray) start(rest []byte, n int, line []byte) (err error) {
	a.headLine = n
	word, rest := scan.Field(rest)
	switch string(word) {
	case "active":
		a.state = mdActive
	case "inactive":
		a.state = mdInactive
	case "broken":
		a.state = mdBroken
	default:
		err = host.Bad(n, "active, inactive or broken", line)
	}
	var personality, last []byte
	a.failed, a.spare = mdCountOf(0), mdCountOf(0)
	for field, rest := scan.Field(rest); len(field) > 0; field, rest = scan.Field(rest) {
		switch {
		case string(field) == "blocks":
			a.blocks.value, a.blocks.known = scan.Uint(last)
		case field[0] == '[':
			a.fraction(field)
		case bytes.IndexByte(field, '[') > 0:
			a.members++
			a.failed.value += uint64(bytes.Count(field, []byte("(F)")))
			a.spare.value += uint64(bytes.Count(field, []byte("(S)")))
		case field[0] != '(' && personality == nil:
			personality = field
		}
		last = field
	}
	a.hasSize = a.required.known
	switch {
	case a.state == mdInactive:
		a.active, a.required = mdCountOf(0), mdCountOf(0)
	case string(personality) == "raid0", string(personality) == "linear", string(personality) == "faulty":
		// They print no numbers of disks. Without members it is not known how many
		// there should be.
		a.isStriped = true
		a.active = mdCountOf(a.members - min(a.failed.value, a.members))
		a.required = mdCount{a.members, a.members > 0}
		a.hasSize = a.members == 0
	}
	return err
}

// detail parses another line of an array.
func (a *mdArray) detail(line []byte, n int) error {
	first, rest := scan.Field(line)
	second, rest := scan.Field(rest)
	switch {
	case string(second) == "blocks":
		return a.size(first, rest, line, n)
	case first[len(first)-1] == ':': // such as bitmap:
		return nil
	case line[0] == '[' || bytes.IndexByte(line, '=') >= 0:
		return a.activity(line, n)
	}
	return host.Bad(n, "blocks, an activity or a bitmap", line)
}

// size parses the line with the blocks of an array and, if its personality
// prints them, the numbers of required and of active disks, as in [3/2].
func (a *mdArray) size(blocks, rest, line []byte, n int) error {
	a.hasSize = true
	a.blocks.value, a.blocks.known = scan.Uint(blocks)
	switch {
	case !a.required.known && !a.disks(rest):
		return host.Bad(n, "required and active disks such as [3/2]", line)
	case !a.blocks.known:
		return host.Bad(n, "a number of blocks", line)
	}
	return nil
}

func (a *mdArray) disks(b []byte) bool {
	for field, rest := scan.Field(b); len(field) > 0; field, rest = scan.Field(rest) {
		if field[0] == '[' && a.fraction(field) {
			return true
		}
	}
	return false
}

// fraction parses the numbers of required and of active disks, such as [3/2].
func (a *mdArray) fraction(field []byte) bool {
	last := len(field) - 1
	if field[last] != ']' {
		return false
	}
	required, active, ok := mdFraction(field[1:max(1, last)])
	if ok {
		a.required, a.active = mdCountOf(required), mdCountOf(active)
	}
	return ok
}

// activity parses a line such as
//
//	[>....................]  recovery =  3.6% (14848/407552) finish=5.7min speed=1142K/sec
//	resync=DELAYED
//
// DELAYED waits for an array on the same disks, PENDING waits for the first
// write, and REMOTE is an activity of another node of a cluster.
func (a *mdArray) activity(line []byte, n int) error {
	a.hasActivity = true
	text := line
	if line[0] == '[' {
		_, text = scan.Field(line)
	}
	word, progress, _ := scan.Cut(text, '=')
	switch string(word) {
	case "recovery", "recover":
		a.state = mdRecovering
	case "resync":
		a.state = mdResync
	case "check":
		a.state = mdCheck
	case "reshape":
		a.state = mdReshape
	default:
		a.state = mdUnknown
		return host.Bad(n, "a known activity", line)
	}
	switch string(progress) {
	case "DELAYED", "PENDING":
		a.synced = mdCountOf(0)
		return nil
	case "REMOTE":
		return nil
	}
	if open := bytes.IndexByte(progress, '('); open >= 0 {
		if end := bytes.IndexByte(progress[open:], ')'); end > 0 {
			if done, _, ok := mdFraction(progress[open+1 : open+end]); ok {
				a.synced = mdCountOf(done)
				return nil
			}
		}
	}
	return host.Bad(n, "the progress of an activity", line)
}

// finish completes an array after its last line. An idle array is completely in
// sync.
func (a *mdArray) finish() error {
	if a.blocks.known && !a.hasActivity {
		a.synced = a.blocks
	}
	if !a.hasSize && a.state == mdActive {
		return host.Bad(a.headLine, "an array followed by a line with its blocks", []byte(a.name))
	}
	return nil
}

// mdFraction parses two numbers separated by a slash.
func mdFraction(b []byte) (x, y uint64, ok bool) {
	first, second, _ := scan.Cut(b, '/')
	x, okX := scan.Uint(first)
	y, okY := scan.Uint(second)
	return x, y, okX && okY
}
