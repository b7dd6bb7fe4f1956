package multipathd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/multipath/dmtable"
)

// A Map is the state of a map in the daemon. What an older daemon leaves out is
// not known.
type Map struct {
	Name     string  `json:"name"`
	Sysfs    string  `json:"sysfs"` // dm-N
	Queueing string  `json:"queueing"`
	Features string  `json:"features"`
	Groups   []Group `json:"path_groups"`

	PathFaults      Number `json:"path_faults"`  // paths that checkers found faulty
	SwitchGroup     Number `json:"switch_grp"`   // switches to another group
	MapLoads        Number `json:"map_loads"`    // tables loaded
	QueueingSeconds Number `json:"total_q_time"` // without a path
	QueueTimeouts   Number `json:"q_timeouts"`   // ends of queueing because it took too long
}

// A Group is a group of paths.
type Group struct {
	State string `json:"dm_st"` // active, enabled, disabled, undef
	Paths []Path `json:"paths"`
}

// A Path is a path of a map.
type Path struct {
	Device   string `json:"dev"`         // sda; empty or - when the device is gone
	DevT     string `json:"dev_t"`       // 8:0
	State    string `json:"dm_st"`       // active, failed, undef
	Checker  string `json:"chk_st"`      // see CheckerState
	Priority Number `json:"pri"`         // -1 where it is not known
	Marginal string `json:"marginal_st"` // marginal, normal
}

// A Number is a number that may be missing.
type Number struct {
	Value int64
	Known bool
}

// UnmarshalJSON reads a number, as such or in quotes, or null.
func (n *Number) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		return nil
	}
	if s, err := strconv.Unquote(text); err == nil {
		text = s
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("want a whole number, have %s", text[:min(len(text), 80)])
	}
	*n = Number{v, true}
	return nil
}

// Queues reports whether the map queues I/O when no path is left, and whether
// that is known. The daemon says on, off, for how long or for how many checks
// it still will (30 sec, 6 chk), or - where that is not configured: then the
// features of the map decide.
func (m *Map) Queues() (queues, known bool) {
	switch {
	case m.Queueing == "on", strings.HasSuffix(m.Queueing, " sec"), strings.HasSuffix(m.Queueing, " chk"):
		return true, true
	case m.Queueing == "off":
		return false, true
	case m.Queueing == "-" && m.Features != "":
		return strings.Contains(m.Features, "queue_if_no_path"), true
	}
	return false, false
}

// Name returns the name of the device, or "" when it is gone.
func (p *Path) Name() string {
	if p.Device == "-" || p.Device == "[undef]" {
		return ""
	}
	return p.Device
}

// Number returns the number of the device, which it has even when the device is
// gone, or "" where an older daemon does not say.
func (p *Path) Number() string {
	if !dmtable.IsDevice(p.DevT) {
		return ""
	}
	return p.DevT
}

// Failed reports whether the map failed the path, and whether that is known.
func (p *Path) Failed() (failed, known bool) {
	return p.State == "failed", p.State == "failed" || p.State == "active"
}

// IsMarginal reports whether a path is set aside because of intermittent errors,
// and whether that is known.
func (p *Path) IsMarginal() (marginal, known bool) {
	return p.Marginal == "marginal", p.Marginal == "marginal" || p.Marginal == "normal"
}

// checkerStates are the states of path checkers, with their label values.
var checkerStates = [...]struct{ word, label string }{
	{"ready", "ready"}, {"faulty", "faulty"}, {"shaky", "shaky"}, {"ghost", "ghost"}, {"i/o pending", "io_pending"},
	{"i/o timeout", "io_timeout"}, {"delayed", "delayed"}, {"disconnected", "disconnected"}, {"undef", "undef"},
}

// CheckerState returns the state of the path's checker as a label value. It
// reports false where there is none, or none that is known.
func (p *Path) CheckerState() (string, bool) {
	for _, s := range checkerStates {
		if s.word == p.Checker {
			return s.label, true
		}
	}
	return "", false
}

// parse parses an answer. A daemon that is busy or stopping answers with a word
// and not with JSON.
func parse(b []byte) ([]Map, error) {
	var answer struct {
		Major *int   `json:"major_version"`
		Maps  *[]Map `json:"maps"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&answer); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("want maps in JSON, have %q: %w", b[:min(len(b), 80)], err)
	}
	if rest := bytes.TrimSpace(b[d.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("want nothing after the maps, have %q", rest[:min(len(rest), 80)])
	}
	if answer.Major != nil && *answer.Major != 0 {
		return nil, fmt.Errorf("want maps of version 0, have %d", *answer.Major)
	}
	if answer.Maps == nil {
		return nil, fmt.Errorf("want maps, have %q", b[:min(len(b), 80)])
	}
	return *answer.Maps, nil
}

// Check returns an error about the first word of a map that is not known: then
// what the word says is not known, and all else is.
func (m *Map) Check() error {
	for i := range m.Groups {
		g := &m.Groups[i]
		switch g.State {
		case "active", "enabled", "disabled", "undef", "":
		default:
			return fmt.Errorf("%s: want a state of a group, have %q", m.Name, g.State)
		}
		for j := range g.Paths {
			if err := g.Paths[j].check(); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
		}
	}
	if _, known := m.Queues(); !known && m.Queueing != "" && m.Queueing != "-" {
		return fmt.Errorf("%s: want whether a map queues, have %q", m.Name, m.Queueing)
	}
	return nil
}

// label returns what errors call the path.
func (p *Path) label() string {
	if name := p.Name(); name != "" {
		return name
	}
	return p.DevT
}

func (p *Path) check() error {
	if _, known := p.Failed(); !known && p.State != "undef" && p.State != "" {
		return fmt.Errorf("%s: want a state of a path, have %q", p.label(), p.State)
	}
	if _, known := p.CheckerState(); !known && p.Checker != "" {
		return fmt.Errorf("%s: want a state of a checker, have %q", p.label(), p.Checker)
	}
	return nil
}
