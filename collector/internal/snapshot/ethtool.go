package snapshot

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ethtool answers from a file for each device, with a line for each fact:
//
//	driver e1000e
//	version 6.1.0-43-amd64
//	firmware 1.8-0
//	rom
//	bus 0000:00:02.0
//	autonegotiation 1
//	supported 20ff
//	advertised 20ff
//	rx_packets = 12
//
// Link modes are hexadecimal. A statistic has an equals sign between blanks. The
// line "before 4.6" says that the kernel knows link modes only up to the 32nd.
// A call whose facts are not there fails with EOPNOTSUPP, "driver !EPERM",
// "supported !EIO" and "statistics !EIO" say how it fails otherwise. A device
// without a file is not there.
type ethtool struct{ *answers }

func (e ethtool) Close() {}

func (e ethtool) Ioctl(device string, data []byte) error {
	b, err := e.sections.Section("ethtool/" + device)
	switch {
	case absent(err):
		return unix.ENODEV
	case err != nil:
		return err
	}
	d := ethtoolDevice{facts: map[string]string{}}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if name, value, ok := cutLast(line, " = "); ok {
			n, err := strconv.ParseUint(value, 0, 64)
			if err != nil {
				return fmt.Errorf("ethtool %s: %w", device, err)
			}
			d.names, d.values = append(d.names, name), append(d.values, n)
			continue
		}
		fact, value, _ := strings.Cut(line, " ")
		d.facts[fact] = value
	}
	return d.answer(data)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

type ethtoolDevice struct {
	facts  map[string]string
	names  []string
	values []uint64
}

// answer fills the structs of linux/ethtool.h as the kernel does.
func (d *ethtoolDevice) answer(data []byte) error {
	order := binary.NativeEndian
	switch order.Uint32(data) {
	case unix.ETHTOOL_GDRVINFO:
		if err := d.failure("driver"); err != nil {
			return err
		}
		for i, fact := range []string{"driver", "version", "firmware", "bus", "rom"} {
			copy(data[4+32*i:36+32*i], d.facts[fact]+"\x00")
		}
		order.PutUint32(data[180:], uint32(len(d.names)))
	case unix.ETHTOOL_GLINKSETTINGS:
		const words = 4
		if _, old := d.facts["before"]; old {
			return unix.EOPNOTSUPP
		}
		if err := d.failure("supported"); err != nil {
			return err
		}
		have := int8(data[15])
		clear(data[4:])
		if have != words {
			data[15] = 0x100 - words
			return nil
		}
		data[15] = words
		data[11] = d.autonegotiation()
		for i, fact := range []string{"supported", "advertised"} {
			text := fmt.Sprintf("%032s", d.facts[fact])
			for w := range words {
				n, err := strconv.ParseUint(text[8*(words-1-w):8*(words-w)], 16, 32)
				if err != nil {
					return err
				}
				order.PutUint32(data[48+4*(words*i+w):], uint32(n))
			}
		}
	case unix.ETHTOOL_GSET:
		if err := d.failure("supported"); err != nil {
			return err
		}
		data[18] = d.autonegotiation()
		for i, fact := range []string{"supported", "advertised"} {
			n, err := strconv.ParseUint(d.facts[fact], 16, 64)
			if err != nil {
				return err
			}
			order.PutUint32(data[4+4*i:], uint32(n))
		}
	case unix.ETHTOOL_GSTRINGS:
		if err := d.failure("statistics"); err != nil {
			return err
		}
		order.PutUint32(data[8:], uint32(len(d.names)))
		for i, name := range d.names {
			if at := 12 + 32*i; at < len(data) {
				copy(data[at:min(at+32, len(data))], name+strings.Repeat("\x00", 32))
			}
		}
	case unix.ETHTOOL_GSTATS:
		order.PutUint32(data[4:], uint32(len(d.values)))
		for i, v := range d.values {
			if at := 8 + 8*i; at+8 <= len(data) {
				order.PutUint64(data[at:], v)
			}
		}
	default:
		return unix.EOPNOTSUPP
	}
	return nil
}

func (d *ethtoolDevice) autonegotiation() byte {
	if d.facts["autonegotiation"] == "1" {
		return 1
	}
	return 0
}

// failure returns how a call fails that needs a fact.
func (d *ethtoolDevice) failure(fact string) error {
	value, ok := d.facts[fact]
	if name, fails := strings.CutPrefix(value, "!"); fails {
		errno, err := Errno(name)
		if err != nil {
			return err
		}
		return errno
	}
	if !ok && (fact != "statistics" || len(d.names) == 0) {
		return unix.EOPNOTSUPP
	}
	return nil
}
