package kernel

import (
	"fmt"
	"strings"
	"sync"

	"github.com/hostexporter/host_exporter/collector/internal/dbus"
)

// A unitKind is a kind of unit that has properties of its own here.
type unitKind uint8

const (
	otherUnit unitKind = iota
	serviceUnit
	mountUnit
	socketUnit
	timerUnit
)

func kindOfUnit(name string) unitKind {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "service":
		return serviceUnit
	case "mount":
		return mountUnit
	case "socket":
		return socketUnit
	case "timer":
		return timerUnit
	}
	return otherUnit
}

// A unit is what is known of a unit across scrapes.
type unit struct {
	name, path string
	kind       unitKind
	excluded   bool // by its name
	state      int  // index of unitTable.states, in this scrape
	lastSeen   uint64

	known   propertySet // properties that were fetched, and have not changed since
	lacks   propertySet // properties that it does not have
	late    propertySet // properties without a reply, the last time
	typ     string
	cgroup  string // below the root of the hierarchy; empty: it has none
	numbers [4]uint64
}

// forget has all properties of the unit fetched again. Their values stay for those
// that are labels, so that a failure changes no series.
func (u *unit) forget() { u.known, u.lacks = 0, 0 }

// A unitProperty is a property of units. The table says when its value may be used
// again:
//
//   - A constant is one until the unit is loaded anew, which UnitRemoved and
//     Reloading report.
//   - With watch, the manager reports each change of the interface of the unit by
//     PropertiesChanged, also where the property itself is not in the signal: a
//     control group comes and goes with a change of the unit's state.
//   - With watch and onlyZero, that holds for the step from zero only:
//     systemctl reset-failed resets NRestarts without a signal.
//   - TasksMax changes without a signal. It is used where there is no control
//     group only, and may be refreshInterval scrapes old.
//   - Counters of sockets are fetched at each scrape.
type unitProperty struct {
	iface     unitInterface
	name      string
	signature string // s, u or t
	slot      int    // of unit.numbers
	volatile  bool   // fetched at each scrape
	watch     bool   // used again unless PropertiesChanged reports a change
	onlyZero  bool   // used again if it is zero
}

// The index of a unitProperty.
type propertyIndex uint8

const (
	propServiceType propertyIndex = iota
	propRestarts
	propCgroup
	propTasksMax
	propMountType
	propStartTime
	propLastTrigger
	propAccepted
	propConnections
	propRefused
	numProperties
)

type propertySet uint16

func (s propertySet) has(p propertyIndex) bool { return s&(1<<p) != 0 }
func (s *propertySet) add(p propertyIndex)     { *s |= 1 << p }
func (s *propertySet) remove(p propertyIndex)  { *s &^= 1 << p }

// A unitInterface is an interface of units, below the name of systemd.
type unitInterface uint8

const (
	ifaceUnit unitInterface = iota
	ifaceService
	ifaceMount
	ifaceSocket
	ifaceTimer
	numInterfaces
)

var interfaceNames = [numInterfaces]string{
	systemdName + ".Unit",
	systemdName + ".Service",
	systemdName + ".Mount",
	systemdName + ".Socket",
	systemdName + ".Timer",
}

var unitProperties = [numProperties]unitProperty{
	propServiceType: {iface: ifaceService, name: "Type", signature: "s"},
	propRestarts:    {iface: ifaceService, name: "NRestarts", signature: "u", slot: 1, watch: true, onlyZero: true},
	propCgroup:      {iface: ifaceService, name: "ControlGroup", signature: "s", watch: true},
	propTasksMax:    {iface: ifaceService, name: "TasksMax", signature: "t", slot: 2},
	propMountType:   {iface: ifaceMount, name: "Type", signature: "s", watch: true},
	propStartTime:   {iface: ifaceUnit, name: "ActiveEnterTimestamp", signature: "t", slot: 0, watch: true},
	propLastTrigger: {iface: ifaceTimer, name: "LastTriggerUSec", signature: "t", slot: 1, watch: true},
	propAccepted:    {iface: ifaceSocket, name: "NAccepted", signature: "u", slot: 1, volatile: true},
	propConnections: {iface: ifaceSocket, name: "NConnections", signature: "u", slot: 2, volatile: true},
	propRefused:     {iface: ifaceSocket, name: "NRefused", signature: "u", slot: 3, volatile: true},
}

// set stores the value of a property.
func (u *unit) set(p propertyIndex, d dbus.Decoder) error {
	property := unitProperties[p]
	switch property.signature {
	case "s":
		text := d.Text()
		if err := d.Err(); err != nil {
			return err
		}
		at := &u.typ
		if p == propCgroup {
			at = &u.cgroup
		}
		if *at != string(text) {
			*at = string(text)
		}
	case "u":
		u.numbers[property.slot] = uint64(d.Uint32())
	case "t":
		u.numbers[property.slot] = d.Uint64()
	}
	if err := d.Err(); err != nil {
		return err
	}
	u.known.add(p)
	return nil
}

// number returns the last value of a property that is a number.
func (u *unit) number(p propertyIndex) uint64 { return u.numbers[unitProperties[p].slot] }

// A unitTable holds the units that systemd lists.
type unitTable struct {
	byPath map[string]*unit
	listed []*unit // by the last scrape, if they are loaded and not excluded
	scrape uint64  // number of the last scrape

	states []string // active states, the inherited ones first
	counts []int    // units in each state
}

const (
	stateActive     = 0 // index of the state active
	inheritedStates = 5 // states that always have a series
	maxStates       = 32
)

func newUnitTable() unitTable {
	return unitTable{
		byPath: map[string]*unit{},
		states: []string{"active", "activating", "deactivating", "failed", "inactive"},
		counts: make([]int, inheritedStates),
	}
}

// begin begins a new list.
func (t *unitTable) begin() {
	t.scrape++
	t.listed = t.listed[:0]
	clear(t.counts)
}

// find returns a unit that is known, or nil.
func (t *unitTable) find(name, path []byte) *unit {
	if u := t.byPath[string(path)]; u != nil && u.name == string(name) {
		return u
	}
	return nil
}

func (t *unitTable) add(name, path []byte) *unit {
	u := &unit{name: string(name), path: string(path)}
	u.kind = kindOfUnit(u.name)
	t.byPath[u.path] = u
	return u
}

// list adds a unit with its active state to the list.
func (t *unitTable) list(u *unit, loaded bool, active []byte) error {
	u.lastSeen = t.scrape
	state, err := t.stateIndex(active)
	if err != nil {
		return err
	}
	t.counts[state]++
	if !loaded || state != u.state { // signals may be on their way still
		u.forget()
	}
	u.state = state
	if loaded && !u.excluded {
		t.listed = append(t.listed, u)
	}
	return nil
}

// stateIndex returns the index of a state. One that is not inherited, such as
// reloading, is added.
func (t *unitTable) stateIndex(name []byte) (int, error) {
	for i, s := range t.states {
		if s == string(name) {
			return i, nil
		}
	}
	if len(t.states) == maxStates {
		return 0, fmt.Errorf("want one of %d active states, have %q", maxStates, name)
	}
	t.states = append(t.states, string(name))
	t.counts = append(t.counts, 0)
	return len(t.states) - 1, nil
}

// sweep removes units that the list did not have.
func (t *unitTable) sweep(count int) {
	if len(t.byPath) == count {
		return
	}
	for path, u := range t.byPath {
		if u.lastSeen != t.scrape {
			delete(t.byPath, path)
		}
	}
}

// forgetAll has all properties of all units fetched again.
func (t *unitTable) forgetAll() {
	for _, u := range t.byPath {
		u.forget()
		u.late = 0
	}
}

// unitChanges collects what signals report between two scrapes.
type unitChanges struct {
	mu    sync.Mutex
	all   bool
	paths map[string]struct{}
}

// maxChanges bounds the units that are remembered one by one.
const maxChanges = 10000

// take notes what a signal reports. It is called by the goroutine that reads the
// connection.
func (c *unitChanges) take(s *dbus.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch string(s.Member) {
	case "PropertiesChanged":
		c.add(s.Path)
	case "UnitRemoved":
		_ = s.Body.Text() // the name
		c.add(s.Body.Text())
	case "Reloading":
		c.all = true
	}
}

func (c *unitChanges) add(path []byte) {
	if _, ok := c.paths[string(path)]; ok || c.all {
		return
	}
	if len(c.paths) == maxChanges {
		c.all = true
		return
	}
	if c.paths == nil {
		c.paths = map[string]struct{}{}
	}
	c.paths[string(path)] = struct{}{}
}

// apply has units that changed forget what is known of them.
func (c *unitChanges) apply(t *unitTable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all {
		t.forgetAll()
	}
	for path := range c.paths {
		if u := t.byPath[path]; u != nil {
			u.forget()
		}
	}
	c.all = false
	clear(c.paths)
}
