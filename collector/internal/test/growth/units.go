package growth

import (
	"fmt"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// Units are those of the systemd of a large host: of a hundred units, 50 are services,
// 20 mounts, 10 devices, 10 scopes, 6 targets, 2 sockets, 2 timers. Every tenth service
// is not active, and one in a hundred was restarted.
type Units struct {
	list   string
	Counts map[string]int // by kind
	groups []string       // control groups of services that are active
}

// NewUnits returns n units.
func NewUnits(n int) *Units {
	u := &Units{Counts: map[string]int{}}
	var b strings.Builder
	fmt.Fprintf(&b, "a(ssssssouso) %d", n)
	for i := range n {
		kind, state := "target", "active"
		switch k := i % 100; {
		case k < 50:
			kind = "service"
			if k%10 == 0 {
				state = "inactive"
			}
		case k < 70:
			kind = "mount"
		case k < 80:
			kind = "device"
		case k < 90:
			kind = "scope"
		case k < 92:
			kind = "socket"
		case k < 94:
			kind = "timer"
		}
		u.Counts[kind]++
		if kind == "service" && state == "active" {
			u.groups = append(u.groups, fmt.Sprintf("system.slice/some-unit-%d.service", i))
		}
		fmt.Fprintf(&b, ` "some-unit-%d.%s" "Description" "loaded" "%s" "-" "" %s 0 "" "/"`, i, kind, state, UnitPath(i, kind))
	}
	u.list = b.String()
	return u
}

// UnitPath returns the object path of a unit.
func UnitPath(i int, kind string) string {
	return fmt.Sprintf("/org/freedesktop/systemd1/unit/some_2dunit_2d%d_2e%s", i, kind)
}

// Reply is for golden.NewBus.
func (u *Units) Reply(path, name string) string {
	switch _, property, _ := strings.Cut(strings.TrimPrefix(name, "org.freedesktop.systemd1."), "."); property {
	case "Version":
		return `s "252.39"`
	case "Virtualization":
		return `s ""`
	case "SystemState":
		return `s "running"`
	case "ListUnits":
		return u.list
	case "Type":
		return `s "simple"`
	case "NRestarts":
		if strings.HasSuffix(path, "01_2eservice") {
			return "u 7"
		}
		return "u 0"
	case "ControlGroup":
		if strings.HasSuffix(path, "0_2eservice") { // not active
			return `s ""`
		}
		return `s "/system.slice/` + strings.ReplaceAll(strings.ReplaceAll(path[strings.LastIndexByte(path, '/')+1:], "_2d", "-"), "_2e", ".") + `"`
	case "NAccepted", "NConnections", "NRefused":
		return "u 3"
	}
	return "t 1790000000000000"
}

// WriteGroups writes the control groups of services below sysfs.
func (u *Units) WriteGroups(sysfs string) error {
	t := tree{root: sysfs + "/fs/cgroup"}
	t.put("cgroup.controllers", "cpu pids")
	for _, group := range append(u.groups, "") {
		t.put(group+"/pids.current", "3")
		t.put(group+"/pids.max", "4915")
	}
	return t.err
}

func makeUnits(s *Scene, n int) error {
	u := NewUnits(n)
	bus, err := golden.NewBus(s.root, u.Reply)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, bus.Close)
	s.host.DialBus = bus.Dial
	all := []string{"true"}
	s.options["systemd"] = map[string][]string{"enable-restarts-metrics": all, "enable-start-time-metrics": all, "enable-task-metrics": all}
	return u.WriteGroups(s.root + "/sys")
}
