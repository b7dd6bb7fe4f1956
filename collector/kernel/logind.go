package kernel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dbus"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var logind = collect.Spec{
	Name:              "logind",
	Help:              "Sessions of systemd-logind by seat, kind and class, over D-Bus.",
	Reads:             []string{"/run/dbus/system_bus_socket"},
	Needs:             busNeeds,
	DisabledByDefault: true,
	Build:             collect.Plain(newLogind),
}

const (
	logindName    = "org.freedesktop.login1"
	logindPath    = "/org/freedesktop/login1"
	logindManager = logindName + ".Manager"
	logindSession = logindName + ".Session"
)

// The values of labels, and the one for all values without a series.
const otherSession = "other"

var (
	sessionRemotes = []string{"true", "false"}
	sessionTypes   = []string{otherSession, "unspecified", "tty", "x11", "wayland", "mir", "web"}
	sessionClasses = []string{otherSession, "user", "greeter", "lock-screen", "background"}
)

// logindCollector calls ListSeats and ListSessions of systemd-logind, and gets
// three properties of each session. Every combination of values has a series. See
// org.freedesktop.login1(5).
type logindCollector struct {
	client   dbus.Client
	seats    []string // the first one is that of sessions without a seat
	sessions []session

	count *metric.Family
}

// A session is a session with its values as indices of the tables above.
type session struct {
	path                     string
	seat, remote, typ, class int
}

func newLogind(env *collect.Env) *logindCollector {
	return &logindCollector{
		client: dbus.Client{Service: logindName, Dial: dialBus(env.Host, false)},
		count:  env.Metrics.Gauge("node_logind_sessions", "Number of sessions of systemd-logind.", "seat", "remote", "type", "class"),
	}
}

func (c *logindCollector) Update(ctx context.Context, out *metric.Sink) error {
	if _, err := c.client.Begin(ctx); err != nil {
		return collect.OrNoData(err)
	}
	if err := c.list(); err != nil {
		return err
	}
	counts := make([]int, len(c.seats)*len(sessionRemotes)*len(sessionTypes)*len(sessionClasses))
	for rest := c.sessions; len(rest) > 0; {
		n := min(len(rest), maxCalls/3)
		if err := c.get(rest[:n], counts, out); err != nil {
			return fmt.Errorf("%s: properties of sessions: %w", logindName, err)
		}
		rest = rest[n:]
	}
	i := 0
	for _, seat := range c.seats {
		for _, remote := range sessionRemotes {
			for _, typ := range sessionTypes {
				for _, class := range sessionClasses {
					out.Emit(c.count, float64(counts[i]), seat, remote, typ, class)
					i++
				}
			}
		}
	}
	return nil
}

// list lists seats and sessions.
func (c *logindCollector) list() error {
	seats := c.client.Call(logindPath, logindManager, "ListSeats")
	sessions := c.client.Call(logindPath, logindManager, "ListSessions")
	if err := c.client.Do(); err != nil {
		c.client.Close() // calls must not pile up at a service that hangs
		return fmt.Errorf("%s: %w", logindName, err)
	}
	d, err := c.client.Reply(seats, "a(so)")
	if dbus.IsNoService(err) {
		return fmt.Errorf("%w: %w", collect.ErrNoData, err) // logind does not run
	}
	if err == nil {
		err = c.parseSeats(d)
	}
	if err != nil {
		return fmt.Errorf("%s.ListSeats: %w", logindManager, err)
	}
	if d, err = c.client.Reply(sessions, "a(susso)"); err == nil {
		err = c.parseSessions(d)
	}
	if err != nil {
		return fmt.Errorf("%s.ListSessions: %w", logindManager, err)
	}
	return nil
}

// parseSeats parses the list of seats: for each its name and its path.
func (c *logindCollector) parseSeats(d dbus.Decoder) error {
	c.seats = append(c.seats[:0], "")
	for end := d.Array(8); d.More(end); {
		d.Struct()
		if name := string(d.Text()); !slices.Contains(c.seats, name) {
			c.seats = append(c.seats, name)
		}
		_ = d.Text()
	}
	return d.Err()
}

// parseSessions parses the list of sessions: for each its number, the ID and the
// name of its user, its seat, and its path.
func (c *logindCollector) parseSessions(d dbus.Decoder) error {
	c.sessions = c.sessions[:0]
	for end := d.Array(8); d.More(end); {
		d.Struct()
		_, _, _ = d.Text(), d.Uint32(), d.Text()
		name, path := string(d.Text()), string(d.Text())
		seat := slices.Index(c.seats, name)
		if seat < 0 { // it came after the list of seats
			seat = len(c.seats)
			c.seats = append(c.seats, name)
		}
		c.sessions = append(c.sessions, session{path: path, seat: seat})
	}
	return d.Err()
}

// get gets the properties of sessions and counts these.
func (c *logindCollector) get(sessions []session, counts []int, out *metric.Sink) error {
	for _, s := range sessions {
		c.client.Get(s.path, logindSession, "Remote")
		c.client.Get(s.path, logindSession, "Type")
		c.client.Get(s.path, logindSession, "Class")
	}
	if err := c.client.Do(); err != nil {
		return err
	}
	for i, s := range sessions {
		switch err := c.parse(&s, 3*i); {
		case err == nil:
			counts[((s.seat*len(sessionRemotes)+s.remote)*len(sessionTypes)+s.typ)*len(sessionClasses)+s.class]++
		case !dbus.IsUnknown(err): // or it has ended
			out.Error(fmt.Errorf("%s: %w", s.path, err))
		}
	}
	return nil
}

// parse parses the replies to the calls for a session.
func (c *logindCollector) parse(s *session, call int) error {
	d, err := c.client.Property(call, "b")
	if remote := d.Uint32(); remote == 0 {
		s.remote = 1
	}
	if err = cmp.Or(err, d.Err()); err != nil {
		return fmt.Errorf("%s.Remote: %w", logindSession, err)
	}
	if s.typ, err = c.parseWord(call+1, sessionTypes); err != nil {
		return fmt.Errorf("%s.Type: %w", logindSession, err)
	}
	if s.class, err = c.parseWord(call+2, sessionClasses); err != nil {
		return fmt.Errorf("%s.Class: %w", logindSession, err)
	}
	return nil
}

// parseWord returns the index of a property in a table whose first entry is for
// all other values.
func (c *logindCollector) parseWord(call int, table []string) (int, error) {
	d, err := c.client.Property(call, "s")
	word := d.Text()
	for i, v := range table {
		if v == string(word) {
			return i, cmp.Or(err, d.Err())
		}
	}
	return 0, cmp.Or(err, d.Err())
}
