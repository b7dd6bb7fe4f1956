package network

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// nl80211 asks the kernel. Generic netlink gives a family its number when its
// module is loaded, so that each run looks it up.
type nl80211 struct {
	client *netlink.Client
	family uint16
}

const sizeofGenlMsg = 4 // struct genlmsghdr: command, version, two reserved bytes

func newNL80211(request func(host.NetlinkRequest, func([]byte) error) error) *nl80211 {
	return &nl80211{client: netlink.New(request, unix.NETLINK_GENERIC, "nl80211")}
}

// dump requests a dump of generic netlink, and calls each with every message
// without its genlmsghdr.
func (n *nl80211) dump(family uint16, command uint8, attributes []byte, begin func(), each func([]byte) error) error {
	body := append([]byte{command, 0, 0, 0}, attributes...)
	return n.client.Dump(family, body, begin, func(b []byte) error {
		if len(b) < sizeofGenlMsg {
			return fmt.Errorf("want %d bytes, have %d", sizeofGenlMsg, len(b))
		}
		return each(b[sizeofGenlMsg:])
	})
}

// findFamily returns the number of a family of generic netlink. It lists all
// families: to ask for one by its name would load its module.
func (n *nl80211) findFamily(name string) (family uint16, err error) {
	err = n.dump(unix.GENL_ID_CTRL, unix.CTRL_CMD_GETFAMILY, nil, func() {}, func(b []byte) error {
		var id uint16
		found := false
		err := netlink.EachAttribute(b, func(a netlink.Attribute) error {
			switch a.Type {
			case unix.CTRL_ATTR_FAMILY_ID:
				return a.Uint16(&id)
			case unix.CTRL_ATTR_FAMILY_NAME:
				found = string(a.Text()) == name
			}
			return nil
		})
		if found {
			family = id
		}
		return err
	})
	switch {
	case family != 0:
		return family, nil // whatever is wrong with others
	case err == nil:
		err = fmt.Errorf("%w: the kernel has no %s", collect.ErrNoData, name)
	}
	return 0, err
}

func (n *nl80211) interfaces(list []wifiInterface) ([]wifiInterface, error) {
	family, err := n.findFamily("nl80211")
	if err != nil {
		return list, err
	}
	n.family = family
	start := len(list)
	err = n.dump(n.family, unix.NL80211_CMD_GET_INTERFACE, nil, func() { list = list[:start] }, func(b []byte) error {
		var dev wifiInterface
		var name []byte
		err := netlink.EachAttribute(b, func(a netlink.Attribute) error {
			switch a.Type {
			case unix.NL80211_ATTR_IFINDEX:
				return a.Uint32(&dev.index)
			case unix.NL80211_ATTR_IFNAME:
				name = a.Text()
			case unix.NL80211_ATTR_WIPHY_FREQ:
				dev.hasFrequency = true
				return a.Uint32(&dev.megahertz)
			}
			return nil
		})
		if err == nil && len(name) > 0 { // some virtual ones, such as for P2P, have none
			dev.name = string(name)
			list = append(list, dev)
		}
		return err
	})
	return list, err
}

// ofInterface returns the attribute that limits a request to an interface.
func ofInterface(dev *wifiInterface) []byte {
	return netlink.AppendAttribute(nil, unix.NL80211_ATTR_IFINDEX, netlink.Native.AppendUint32(nil, dev.index))
}

// network finds the network among the results of the last scan: the one with a
// status.
func (n *nl80211) network(dev *wifiInterface) (network wifiNetwork, ok bool, err error) {
	begin := func() { network, ok = wifiNetwork{}, false }
	err = n.dump(n.family, unix.NL80211_CMD_GET_SCAN, ofInterface(dev), begin, func(b []byte) error {
		return netlink.EachAttribute(b, func(a netlink.Attribute) error {
			if a.Type != unix.NL80211_ATTR_BSS || ok {
				return nil
			}
			var bss wifiNetwork
			var ssid []byte
			has := false
			err := a.Each(func(a netlink.Attribute) error {
				switch a.Type {
				case unix.NL80211_BSS_BSSID:
					bss.bssid = a.Data
				case unix.NL80211_BSS_INFORMATION_ELEMENTS:
					ssid = ssidOf(a.Data)
				case unix.NL80211_BSS_STATUS:
					has = true
					return a.Uint32(&bss.status)
				}
				return nil
			})
			if err == nil && has {
				bss.bssid, bss.ssid = bytes.Clone(bss.bssid), string(ssid)
				network, ok = bss, true
			}
			return err
		})
	})
	return network, ok, err
}

// ssidOf returns the name of a network from its information elements (IEEE
// 802.11, 9.4.2): each is a byte that says what it is, one with its length, and
// its data. An element that is cut off ends them.
func ssidOf(b []byte) []byte {
	const ssid = 0
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		if data := b[2 : 2+int(b[1])]; b[0] == ssid {
			return data
		}
		b = b[2+int(b[1]):]
	}
	return nil
}

func (n *nl80211) stations(dev *wifiInterface, each func(*wifiStation)) error {
	var s wifiStation
	return n.dump(n.family, unix.NL80211_CMD_GET_STATION, ofInterface(dev), nil, func(b []byte) error {
		s = wifiStation{}
		err := netlink.EachAttribute(b, func(a netlink.Attribute) error {
			switch a.Type {
			case unix.NL80211_ATTR_MAC:
				s.address = a.Data
			case unix.NL80211_ATTR_STA_INFO:
				return a.Each(s.setAttribute)
			}
			return nil
		})
		if err == nil && len(s.address) == 0 {
			err = errors.New("want a station with an address, have none")
		}
		if err == nil {
			each(&s)
		}
		return err
	})
}

// setAttribute takes an attribute of a station (enum nl80211_sta_info).
func (s *wifiStation) setAttribute(a netlink.Attribute) error {
	switch a.Type {
	case unix.NL80211_STA_INFO_CONNECTED_TIME:
		return s.setUint32(stationConnected, a, 1)
	case unix.NL80211_STA_INFO_INACTIVE_TIME: // milliseconds
		return s.setUint32(stationInactive, a, 1000)
	case unix.NL80211_STA_INFO_RX_BITRATE:
		return s.setRate(stationReceiveRate, a)
	case unix.NL80211_STA_INFO_TX_BITRATE:
		return s.setRate(stationTransmitRate, a)
	case unix.NL80211_STA_INFO_SIGNAL:
		var dbm uint8
		err := a.Uint8(&dbm)
		if err == nil {
			s.set(stationSignal, float64(int8(dbm)))
		}
		return err
	case unix.NL80211_STA_INFO_TX_RETRIES:
		return s.setUint32(stationRetries, a, 1)
	case unix.NL80211_STA_INFO_TX_FAILED:
		return s.setUint32(stationFailed, a, 1)
	case unix.NL80211_STA_INFO_BEACON_LOSS:
		return s.setUint32(stationBeaconLoss, a, 1)
	case unix.NL80211_STA_INFO_RX_PACKETS:
		return s.setUint32(stationReceivedPackets, a, 1)
	case unix.NL80211_STA_INFO_TX_PACKETS:
		return s.setUint32(stationTransmittedPackets, a, 1)
	case unix.NL80211_STA_INFO_RX_BYTES:
		return s.setBytes(stationReceivedBytes, a)
	case unix.NL80211_STA_INFO_TX_BYTES:
		return s.setBytes(stationTransmittedBytes, a)
	case unix.NL80211_STA_INFO_RX_BYTES64:
		return s.setUint64(stationReceivedBytes, a)
	case unix.NL80211_STA_INFO_TX_BYTES64:
		return s.setUint64(stationTransmittedBytes, a)
	}
	return nil
}

func (s *wifiStation) setUint32(i int, a netlink.Attribute, divisor float64) error {
	var v uint32
	err := a.Uint32(&v)
	if err == nil {
		s.set(i, float64(v)/divisor)
	}
	return err
}

func (s *wifiStation) setUint64(i int, a netlink.Attribute) error {
	var v uint64
	err := a.Uint64(&v)
	if err == nil {
		s.set(i, float64(v))
	}
	return err
}

// setBytes takes a counter of 32 bits, unless there is one of 64 bits.
func (s *wifiStation) setBytes(i int, a netlink.Attribute) error {
	if s.has[i] {
		return nil
	}
	return s.setUint32(i, a, 1)
}

// setRate takes a nested bit rate in units of 100 kbit/s. One that does not fit
// in 16 bits is there in 32 bits only.
func (s *wifiStation) setRate(i int, a netlink.Attribute) error {
	const unit = 1e5
	return a.Each(func(a netlink.Attribute) error {
		var narrow uint16
		var wide uint32
		var err error
		switch a.Type {
		case unix.NL80211_RATE_INFO_BITRATE32:
			err = a.Uint32(&wide)
		case unix.NL80211_RATE_INFO_BITRATE:
			err = a.Uint16(&narrow)
			wide = uint32(narrow)
		default:
			return nil
		}
		if err == nil {
			s.set(i, float64(wide)*unit)
		}
		return err
	})
}
