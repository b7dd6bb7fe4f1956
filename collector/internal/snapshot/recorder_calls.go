package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// set sets the calls of a host that is recorded. Functions that the live host does not
// have stay nil.
func (c *calls) set(h *host.Host) {
	live := c.live
	h.Uname, h.Adjtimex, h.Statfs, h.Netlink = c.uname, c.adjtimex, c.statfs, nil
	h.MemoryLimit = live.MemoryLimit
	if live.Btrfs != nil {
		h.Btrfs = c.btrfs
	}
	if live.DeviceMapper != nil {
		h.DeviceMapper = c.deviceMapper
	}
	if live.Netlink != nil {
		h.Netlink = c.netlink
	}
	if live.Ethtool != nil {
		h.Ethtool = c.ethtool
	}
	if live.OpenPerf != nil {
		h.OpenPerf = c.openPerf
	}
	if live.MaxOpenFiles != nil {
		h.MaxOpenFiles = c.maxOpenFiles
	}
	if live.Dial != nil {
		h.Dial = c.dial
	}
	if live.DialBus != nil {
		h.DialBus = c.dialBus
	}
}

// fetchMachine makes the calls that each archive has.
func (c *calls) fetchMachine() {
	_, _ = c.uname()
	_, _, _ = c.adjtimex()
}

func (c *calls) uname() (host.Uname, error) {
	a := c.get("uname", "", func() (string, error) {
		u, err := c.live.Uname()
		return fmt.Sprintf("sysname=%s\nnodename=%s\nrelease=%s\nversion=%s\nmachine=%s\ndomainname=%s\n",
			u.Sysname, u.Nodename, u.Release, u.Version, u.Machine, u.Domainname), err
	})
	return (&answers{oneSection{"uname", a}}).uname()
}

func (c *calls) adjtimex() (int, unix.Timex, error) {
	a := c.get("adjtimex", "", func() (string, error) {
		state, tx, err := c.live.Adjtimex()
		var b strings.Builder
		fmt.Fprintf(&b, "state=%d\n", state)
		eachNumber(tx, func(name string, n int64) { fmt.Fprintf(&b, "%s=%d\n", name, n) })
		return b.String(), err
	})
	return (&answers{oneSection{"adjtimex", a}}).adjtimex()
}

// eachNumber calls fn for the fields of a struct that are numbers, except those that are
// zero.
func eachNumber(st any, fn func(name string, n int64)) {
	v := reflect.ValueOf(st)
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !v.Type().Field(i).IsExported() || f.IsZero():
		case f.CanInt():
			fn(strings.ToLower(v.Type().Field(i).Name), f.Int())
		case f.CanUint():
			fn(strings.ToLower(v.Type().Field(i).Name), int64(f.Uint()))
		}
	}
}

func (c *calls) statfs(path string) (unix.Statfs_t, error) {
	escaped := mountEscapes.Replace(path)
	a := c.get("statfs", escaped, func() (string, error) {
		st, err := c.live.Statfs(c.live.Root.Path(path))
		if err != nil {
			return fmt.Sprintf("%s !%s\n", escaped, ErrnoName(err)), nil
		}
		var b strings.Builder
		b.WriteString(escaped)
		eachNumber(st, func(name string, n int64) {
			if name == "type" { // it is known in hexadecimal digits
				fmt.Fprintf(&b, " type=%#x", uint32(n))
			} else {
				fmt.Fprintf(&b, " %s=%d", name, uint64(n))
			}
		})
		if st.Blocks == 0 {
			b.WriteString(" blocks=0") // a line has at least one pair
		}
		return b.String() + "\n", nil
	})
	return (&answers{oneSection{"statfs", a}}).statfs(path)
}

// withErrorsSuffix ends the key of a btrfs file system whose error counters were read.
const withErrorsSuffix = " "

// hasErrors reports whether the same file system was read with its error counters, too.
func (c *calls) hasErrors(key string) bool {
	return !strings.HasSuffix(key, withErrorsSuffix) && c.answers["btrfs"][key+withErrorsSuffix] != nil
}

func (c *calls) btrfs(mountPoint string, withErrors bool) (host.Btrfs, error) {
	escaped := mountEscapes.Replace(mountPoint)
	key := escaped
	if withErrors {
		key += withErrorsSuffix
	}
	a := c.get("btrfs", key, func() (string, error) {
		fs, err := c.live.Btrfs(c.live.Root.Path(mountPoint), withErrors)
		if err != nil {
			return fmt.Sprintf("%s !%s\n", escaped, ErrnoName(err)), nil
		}
		var b strings.Builder
		for _, d := range fs.Devices {
			fmt.Fprintf(&b, "%s fsid=%s devid=%d uuid=%s", escaped, fs.ID, d.ID, d.UUID)
			if d.Path != "" {
				fmt.Fprintf(&b, " path=%s", mountEscapes.Replace(d.Path))
			}
			fmt.Fprintf(&b, " total=%d used=%d", d.TotalBytes, d.UsedBytes)
			if d.HasErrors {
				e := d.Errors
				fmt.Fprintf(&b, " errors=%d,%d,%d,%d,%d", e[0], e[1], e[2], e[3], e[4])
			}
			b.WriteString("\n")
		}
		return b.String(), nil
	})
	return (&answers{oneSection{"btrfs", a}}).btrfs(mountPoint, withErrors)
}

func (c *calls) deviceMapper(name string, table bool) ([]host.Target, error) {
	what := "status"
	if table {
		what = "table"
	}
	key := name + " " + what
	a := c.get("device-mapper", key, func() (string, error) {
		targets, err := c.live.DeviceMapper(name, table)
		if err != nil {
			return fmt.Sprintf("%s !%s\n", key, ErrnoName(err)), nil
		}
		var b strings.Builder
		for _, t := range targets {
			line := fmt.Sprintf("%s %d %d %s %s", key, t.Start, t.Length, t.Type, t.Text)
			b.WriteString(strings.TrimSuffix(strings.ReplaceAll(line, "\n", " "), " ") + "\n")
		}
		return b.String(), nil
	})
	return (&answers{oneSection{"device-mapper", a}}).deviceMapper(name, table)
}

func (c *calls) netlink(req host.NetlinkRequest, each func([]byte) error) error {
	section := fmt.Sprintf("netlink/%d/%d", req.Protocol, req.Type)
	body := hex.EncodeToString(bytes.TrimRight(recordedRequest(req), "\x00"))
	a := c.get(section+"/"+cmp.Or(body, "00"), "", func() (string, error) {
		var b strings.Builder
		err := c.live.Netlink(req, func(msg []byte) error {
			recorded := bytes.Clone(msg)
			toRecorded(recorded, answerLayout(req.Protocol, req.Type))
			b.WriteString(hex.EncodeToString(recorded) + "\n")
			return nil
		})
		if err == host.ErrDumpInterrupted {
			err = nil // of a recorded host nothing changes
		}
		return b.String(), err
	})
	return (&answers{oneSection{section, a}}).netlink(req, each)
}

func (c *calls) maxOpenFiles() (uint64, error) {
	a := c.get("perf", "", func() (string, error) {
		n, err := c.live.MaxOpenFiles()
		return fmt.Sprintf("open-files %d\n", n), err
	})
	return (&answers{oneSection{"perf", a}}).maxOpenFiles()
}

func (c *calls) openPerf(event host.PerfEvent, cpu int) (host.PerfCounter, error) {
	key := fmt.Sprintf("%d %s %d", cpu, perfTypeName(event.Type), event.Config)
	counter, err := c.live.OpenPerf(event, cpu)
	if err != nil {
		c.get("perf", key, func() (string, error) { return fmt.Sprintf("%s !%s\n", key, ErrnoName(err)), nil })
		return nil, err
	}
	return &recordingPerf{PerfCounter: counter, calls: c, key: key}, nil
}

// recordingPerf keeps the first count of a counter.
type recordingPerf struct {
	host.PerfCounter
	calls *calls
	key   string
	count host.PerfCount
	err   error
}

// Read implements host.PerfCounter.
func (p *recordingPerf) Read() (host.PerfCount, error) {
	p.calls.get("perf", p.key, func() (string, error) {
		if p.count, p.err = p.PerfCounter.Read(); p.err != nil {
			return fmt.Sprintf("%s !%s\n", p.key, ErrnoName(p.err)), nil
		}
		return fmt.Sprintf("%s %d %d %d\n", p.key, p.count.Value, p.count.Enabled, p.count.Running), nil
	})
	return p.count, p.err
}

func perfTypeName(typ uint32) string {
	for name, t := range perfTypes {
		if t == typ {
			return name
		}
	}
	return "*"
}

func (c *calls) ethtool() (host.Ethtool, error) {
	e, err := c.live.Ethtool()
	if err != nil {
		return nil, err
	}
	return recordingEthtool{e, c}, nil
}

// recordingEthtool keeps the last answer to each command.
type recordingEthtool struct {
	host.Ethtool
	calls *calls
}

// An ethtoolRecord has the answers of a device by command.
type ethtoolRecord struct {
	answers map[uint32][]byte
	errs    map[uint32]error
	pending int // calls that have not been answered
}

// Ioctl implements host.Ethtool.
func (r recordingEthtool) Ioctl(device string, data []byte) error {
	command := binary.NativeEndian.Uint32(data)
	r.calls.mu.Lock()
	record := r.calls.devices[device]
	if record == nil {
		record = &ethtoolRecord{answers: map[uint32][]byte{}, errs: map[uint32]error{}}
		r.calls.devices[device] = record
	}
	record.pending++
	r.calls.mu.Unlock()
	err := r.Ethtool.Ioctl(device, data)
	r.calls.mu.Lock()
	defer r.calls.mu.Unlock()
	record.pending--
	record.answers[command], record.errs[command] = bytes.Clone(data), err
	return err
}

// entry returns the lines of the answers.
func (r *ethtoolRecord) entry() Entry {
	if r.pending > 0 {
		return Entry{Kind: Fifo}
	}
	for _, err := range r.errs {
		if err == unix.ENODEV { // not a device, such as bonding_masters
			return Entry{Kind: Fault, Target: "ENODEV"}
		}
	}
	var b strings.Builder
	order := binary.NativeEndian
	failed := func(command uint32, fact string) bool {
		err := r.errs[command]
		var errno syscall.Errno
		if errors.As(err, &errno) && errno != unix.EOPNOTSUPP {
			fmt.Fprintf(&b, "%s !%s\n", fact, ErrnoName(errno))
		}
		return err != nil || r.answers[command] == nil
	}
	if !failed(unix.ETHTOOL_GDRVINFO, "driver") {
		for i, fact := range []string{"driver", "version", "firmware", "bus", "rom"} {
			fmt.Fprintf(&b, "%s %s\n", fact, unix.ByteSliceToString(r.answers[unix.ETHTOOL_GDRVINFO][4+32*i:36+32*i]))
		}
	}
	if settings := r.answers[unix.ETHTOOL_GSET]; settings != nil && r.errs[unix.ETHTOOL_GSET] == nil && r.errs[unix.ETHTOOL_GLINKSETTINGS] == unix.EOPNOTSUPP {
		fmt.Fprintf(&b, "before 4.6\nautonegotiation %d\nsupported %x\nadvertised %x\n", settings[18], order.Uint32(settings[4:]), order.Uint32(settings[8:]))
	} else if !failed(unix.ETHTOOL_GLINKSETTINGS, "supported") {
		answer := r.answers[unix.ETHTOOL_GLINKSETTINGS]
		fmt.Fprintf(&b, "autonegotiation %d\n", answer[11])
		words := int(answer[15])
		for i, fact := range []string{"supported", "advertised"} {
			text := ""
			for w := range words {
				text = fmt.Sprintf("%08x", order.Uint32(answer[48+4*(words*i+w):])) + text
			}
			fmt.Fprintf(&b, "%s %s\n", fact, cmp.Or(strings.TrimLeft(text, "0"), "0"))
		}
	}
	if !failed(unix.ETHTOOL_GSTRINGS, "statistics") && !failed(unix.ETHTOOL_GSTATS, "statistics") {
		names, values := r.answers[unix.ETHTOOL_GSTRINGS], r.answers[unix.ETHTOOL_GSTATS]
		for i := range int(min(order.Uint32(names[8:]), order.Uint32(values[4:]))) {
			if 44+32*i > len(names) || 16+8*i > len(values) {
				break
			}
			fmt.Fprintf(&b, "%s = %d\n", unix.ByteSliceToString(names[12+32*i:44+32*i]), order.Uint64(values[8+8*i:]))
		}
	}
	return Entry{Kind: File, Data: []byte(b.String())}
}
