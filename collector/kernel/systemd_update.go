package kernel

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/internal/dbus"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const (
	// maxCalls is how many properties are requested at a time: a bus limits the
	// calls that wait for a reply.
	maxCalls = 64

	// lateLimit is how long to wait for replies that did not come the last time.
	lateLimit = 100 * time.Millisecond

	// refreshInterval is for how many scrapes a value is used again, at most: it
	// bounds the harm of a signal that was lost.
	refreshInterval = 32
)

// listUnits brings the table of units up to date and exports how many there are.
func (c *systemdCollector) listUnits(out *metric.Sink, isNew bool) error {
	call := c.client.Call(systemdPath, systemdManager, "ListUnits")
	err := c.client.Do()
	if err == nil {
		err = c.parseUnits(call, out)
	}
	if err != nil {
		return fmt.Errorf("%s.ListUnits: %w", systemdManager, err)
	}
	for i, state := range c.units.states {
		if n := c.units.counts[i]; i < inheritedStates || n > 0 {
			out.Emit(c.count, float64(n), state)
		}
	}
	// A systemd that was executed anew has another name on the bus, and may not
	// know the subscription.
	if owner := c.client.Sender(call); isNew || !c.subscribed || string(owner) != c.owner {
		c.owner = string(owner)
		c.subscribe()
	}
	// All signals that were sent before the list have arrived by now.
	c.changes.apply(&c.units)
	return nil
}

// parseUnits parses the list of units: for each its name, description, load state,
// active state, sub state, the unit that it follows, its path, and its job.
func (c *systemdCollector) parseUnits(call int, out *metric.Sink) error {
	d, err := c.client.Reply(call, "a(ssssssouso)")
	if err != nil {
		return err
	}
	c.units.begin()
	count := 0
	for end := d.Array(8); d.More(end); count++ {
		d.Struct()
		name, _, load, active, _, _, path := d.Text(), d.Text(), d.Text(), d.Text(), d.Text(), d.Text(), d.Text()
		_, _, _ = d.Uint32(), d.Text(), d.Text()
		if d.Err() != nil {
			break
		}
		u := c.units.find(name, path)
		if u == nil {
			u = c.units.add(name, path)
			u.excluded = c.include == nil || !c.include.Match(name) || c.exclude != nil && c.exclude.Match(name)
		}
		if err := c.units.list(u, string(load) == "loaded", active); err != nil {
			out.Error(fmt.Errorf("%s: %w", u.name, err))
		}
	}
	if err := d.Err(); err != nil {
		return err
	}
	c.units.sweep(count)
	return nil
}

// subscribe asks for the signals that report changes, and has all properties
// fetched anew. Without signals they are fetched at each scrape.
func (c *systemdCollector) subscribe() {
	c.units.forgetAll()
	clear(c.watched[:])
	c.client.Watch(signalRule + "interface='" + systemdManager + "',member='UnitRemoved'")
	c.client.Watch(signalRule + "interface='" + systemdManager + "',member='Reloading'")
	c.client.Call(systemdPath, systemdManager, "Subscribe")
	c.setSubscribed(3)
}

// watch asks for the signals that report changes of the requested properties. It
// comes before the requests, so that no change is missed.
func (c *systemdCollector) watch() {
	calls := 0
	for _, r := range c.requests {
		p := unitProperties[r.property]
		if !p.watch || c.watched[p.iface] || !c.subscribed {
			continue
		}
		c.watched[p.iface] = true
		c.client.Watch(signalRule + "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" + interfaceNames[p.iface] + "'")
		calls++
	}
	if calls > 0 {
		c.setSubscribed(calls)
	}
}

const signalRule = "type='signal',sender='" + systemdName + "',"

// setSubscribed makes calls that ask for signals.
func (c *systemdCollector) setSubscribed(calls int) {
	err := c.client.Do()
	for i := range calls {
		err = errors.Join(err, c.client.ReplyError(i))
	}
	c.subscribed = err == nil
	if err != nil {
		_ = level.Debug(c.log).Log("msg", "No signals from systemd, properties of units are not cached", "err", err)
	}
}

// A unitRequest is a property of a unit to fetch.
type unitRequest struct {
	unit     *unit
	property propertyIndex
}

// request collects the properties to fetch: those without a reply the last time
// come last.
func (c *systemdCollector) request() {
	c.requests, c.late = c.requests[:0], c.late[:0]
	for i, u := range c.units.listed {
		if !c.subscribed || (uint64(i)+c.units.scrape)%refreshInterval == 0 {
			u.forget()
		}
		switch u.kind {
		case serviceUnit:
			c.want(u, propServiceType)
			if c.options.restarts {
				c.want(u, propRestarts)
			}
			if c.options.tasks {
				c.want(u, propCgroup)
				c.want(u, propTasksMax)
			}
		case mountUnit:
			c.want(u, propMountType)
		case socketUnit:
			c.want(u, propAccepted)
			c.want(u, propConnections)
			c.want(u, propRefused)
		case timerUnit:
			c.want(u, propLastTrigger)
		}
		if c.options.startTimes && u.state == stateActive {
			c.want(u, propStartTime)
		}
	}
}

// want requests a property, unless its value is known.
func (c *systemdCollector) want(u *unit, p propertyIndex) {
	property := unitProperties[p]
	if property.volatile || property.onlyZero && u.numbers[property.slot] != 0 {
		u.known.remove(p)
	}
	switch {
	case u.known.has(p) || u.lacks.has(p):
	case u.late.has(p):
		c.late = append(c.late, unitRequest{u, p})
	default:
		c.requests = append(c.requests, unitRequest{u, p})
	}
}

// fetch fetches the requested properties, as far as there is time.
func (c *systemdCollector) fetch(out *metric.Sink) {
	c.watch()
	for rest := c.requests; len(rest) > 0; {
		n := min(len(rest), maxCalls)
		if !c.get(rest[:n], out, c.client.Do) {
			return
		}
		rest = rest[n:]
	}
	if n := min(len(c.late), maxCalls); n > 0 {
		c.get(c.late[:n], out, func() error { return c.client.DoWithin(lateLimit) })
	}
}

// get fetches some properties. It reports whether there was any reply.
func (c *systemdCollector) get(requests []unitRequest, out *metric.Sink, do func() error) bool {
	for _, r := range requests {
		p := unitProperties[r.property]
		c.client.Get(r.unit.path, interfaceNames[p.iface], p.name)
	}
	failed := do()
	isLost := failed != nil && !errors.Is(failed, dbus.ErrNoReply)
	if isLost {
		out.Error(fmt.Errorf("%s: %w", systemdName, failed))
	}
	for i, r := range requests {
		if err := c.store(r, i); err != nil && !(isLost && errors.Is(err, dbus.ErrNoReply)) {
			p := unitProperties[r.property]
			out.Error(fmt.Errorf("%s: %s.%s: %w", r.unit.name, interfaceNames[p.iface], p.name, err))
		}
	}
	return failed == nil
}

// store stores the property in a reply.
func (c *systemdCollector) store(r unitRequest, call int) error {
	d, err := c.client.Property(call, unitProperties[r.property].signature)
	if err == nil {
		err = r.unit.set(r.property, d)
	}
	if errors.Is(err, dbus.ErrNoReply) {
		r.unit.late.add(r.property)
		return err
	}
	r.unit.late.remove(r.property)
	if dbus.IsUnknown(err) {
		r.unit.lacks.add(r.property)
		return nil
	}
	return err
}

// emit exports what is known of the listed units.
func (c *systemdCollector) emit(out *metric.Sink) {
	c.hierarchy = "fs/cgroup/pids"
	if bool(c.options.tasks) && c.sys.Exists("fs/cgroup/cgroup.controllers") {
		c.hierarchy = "fs/cgroup"
	}
	for _, u := range c.units.listed {
		for i, state := range c.units.states[:inheritedStates] {
			out.Bool(c.state, i == u.state, u.name, state, u.typ)
		}
		if u.state >= inheritedStates {
			out.Emit(c.state, 1, u.name, c.units.states[u.state], u.typ)
		}
		if c.options.startTimes {
			c.emitStartTime(u, out)
		}
		switch u.kind {
		case serviceUnit:
			emitNumber(out, c.restarts, u, propRestarts, 1)
			if c.options.tasks {
				c.emitTasks(u, out)
			}
		case socketUnit:
			emitNumber(out, c.accepted, u, propAccepted, 1)
			emitNumber(out, c.connections, u, propConnections, 1)
			emitNumber(out, c.refused, u, propRefused, 1)
		case timerUnit:
			emitNumber(out, c.lastTrigger, u, propLastTrigger, microseconds)
		}
	}
}

const microseconds = 1e6 // a second

func emitNumber(out *metric.Sink, f *metric.Family, u *unit, p propertyIndex, divisor float64) {
	if u.known.has(p) {
		out.Emit(f, float64(u.number(p))/divisor, u.name)
	}
}

func (c *systemdCollector) emitStartTime(u *unit, out *metric.Sink) {
	if u.state != stateActive {
		out.Emit(c.startTime, 0, u.name)
		return
	}
	emitNumber(out, c.startTime, u, propStartTime, microseconds)
}

// emitTasks exports the files of a service's control group. The kernel counts what
// systemd would read from there; a service without a control group has a maximum
// for when it is started.
func (c *systemdCollector) emitTasks(u *unit, out *metric.Sink) {
	if u.cgroup != "" {
		n, err := c.sys.Uint(c.hierarchy, u.cgroup, "pids.current")
		if host.ReportUnlessGone(err, out.Error) {
			out.Emit(c.tasksCurrent, float64(n), u.name)
		}
		limit, err := c.sys.Text(c.hierarchy, u.cgroup, "pids.max")
		if !host.Gone(err) {
			c.emitLimit(u, limit, err, out)
			return
		}
	}
	if n := u.number(propTasksMax); u.known.has(propTasksMax) && n != noLimit {
		out.Emit(c.tasksMax, float64(n), u.name)
	}
}

// noLimit is the value of TasksMax without a limit.
const noLimit = math.MaxUint64

func (c *systemdCollector) emitLimit(u *unit, limit []byte, err error, out *metric.Sink) {
	n, ok := scan.Uint(limit)
	switch {
	case err != nil:
		out.Error(err)
	case ok:
		out.Emit(c.tasksMax, float64(n), u.name)
	case string(limit) != "max":
		out.Error(c.sys.At(host.Bad(1, `a number or "max"`, limit)))
	}
}
