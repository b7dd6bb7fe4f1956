package network

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// ethtoolLink exports the settings of links: autonegotiation, and the sets of
// link modes that interfaces support and advertise.
type ethtoolLink struct {
	negotiates            *metric.Family
	ports                 *metric.Family
	supported, advertised ethtoolModes
	modes                 []ethtoolMode

	words  int // of a set of link modes in this kernel, as far as it is known
	buffer [sizeofLinkSettings + 3*4*maxModeWords]byte
}

// ethtoolModes are the families of one set of link modes.
type ethtoolModes struct{ speed, negotiates, pause, asymmetricPause *metric.Family }

// An ethtoolMode is a link mode with a speed, at the index of its bit. Others are
// zero.
type ethtoolMode struct {
	name, duplex string
	speed        float64 // bytes per second
}

// Bits of link modes that are no speeds (enum ethtool_link_mode_bit_indices).
const (
	modeAutonegotiation = 6
	modePause           = 13
	modeAsymmetricPause = 14
)

// ethtoolPorts are the kinds of ports with the bits of their link modes.
var ethtoolPorts = []struct {
	bit  int
	name string
}{{7, "TP"}, {8, "AUI"}, {9, "MII"}, {10, "FIBRE"}, {11, "BNC"}, {16, "Backplane"}}

const (
	sizeofLinkSettings = 48  // struct ethtool_link_settings, before the sets
	sizeofCmd          = 44  // struct ethtool_cmd, of kernels before 4.6
	maxModeWords       = 127 // the kernel has the number in a signed byte
)

func newEthtoolLink(m *metric.Set) *ethtoolLink {
	modes := func(what, verb string) ethtoolModes {
		return ethtoolModes{
			speed:           m.Gauge("node_network_"+what+"_speed_bytes", "Speed of a link mode that the interface "+verb+", in bytes per second.", "device", "duplex", "mode"),
			negotiates:      m.Gauge("node_network_autonegotiate_"+what, "Whether the interface "+verb+" autonegotiation.", "device"),
			pause:           m.Gauge("node_network_pause_"+what, "Whether the interface "+verb+" pause frames.", "device"),
			asymmetricPause: m.Gauge("node_network_asymmetricpause_"+what, "Whether the interface "+verb+" pause frames in one direction only.", "device"),
		}
	}
	l := &ethtoolLink{
		negotiates: m.Gauge("node_network_autonegotiate", "Whether the interface negotiates its speed and duplex.", "device"),
		ports:      m.Gauge("node_network_supported_port_info", "Type of port that the interface supports; always 1.", "device", "type"),
		supported:  modes("supported", "supports"),
		advertised: modes("advertised", "advertises"),
	}
	for _, name := range linkModes {
		l.modes = append(l.modes, parseLinkMode(name))
	}
	return l
}

// parseLinkMode parses the name of a link mode, such as 1000baseT_Full. It
// returns zero for one that is no speed.
func parseLinkMode(name string) ethtoolMode {
	digits, _, ok := strings.Cut(name, "base")
	megabits, isNumber := scan.Uint([]byte(digits))
	if !ok || !isNumber {
		return ethtoolMode{}
	}
	mode := ethtoolMode{name: strings.TrimSuffix(name, "_Full"), duplex: "full", speed: float64(megabits) * 1e6 / 8}
	if half, ok := strings.CutSuffix(name, "_Half"); ok {
		mode.name, mode.duplex = half, "half"
	}
	return mode
}

func (l *ethtoolLink) update(e host.Ethtool, device string, out *metric.Sink) error {
	negotiates, sets, err := l.read(e, device)
	if err != nil {
		return err
	}
	out.Emit(l.negotiates, float64(negotiates), device)
	supported, advertised := sets[:len(sets)/2], sets[len(sets)/2:]
	for _, port := range ethtoolPorts {
		if hasMode(supported, port.bit) {
			out.Emit(l.ports, 1, device, port.name)
		}
	}
	l.emit(&l.supported, supported, device, out)
	l.emit(&l.advertised, advertised, device, out)
	return nil
}

func (l *ethtoolLink) emit(f *ethtoolModes, set []byte, device string, out *metric.Sink) {
	out.Bool(f.negotiates, hasMode(set, modeAutonegotiation), device)
	out.Bool(f.pause, hasMode(set, modePause), device)
	out.Bool(f.asymmetricPause, hasMode(set, modeAsymmetricPause), device)
	for bit, mode := range l.modes {
		if mode.name != "" && hasMode(set, bit) {
			out.Emit(f.speed, mode.speed, device, mode.duplex, mode.name)
		}
	}
}

// hasMode reports whether a bit is set in a set of link modes, an array of
// numbers of 32 bits.
func hasMode(set []byte, bit int) bool {
	word := bit / 32 * 4
	return word < len(set) && netlink.Native.Uint32(set[word:])&(1<<(bit%32)) != 0
}

// read returns whether a link negotiates, and its sets of supported and
// advertised link modes, one after the other.
func (l *ethtoolLink) read(e host.Ethtool, device string) (negotiates byte, sets []byte, err error) {
	const (
		negotiatesAt = 11
		wordsAt      = 15
	)
	b := l.buffer[:]
	for range 2 {
		clear(b)
		netlink.Native.PutUint32(b, unix.ETHTOOL_GLINKSETTINGS)
		b[wordsAt] = byte(l.words)
		if err := e.Ioctl(device, b); err == unix.EOPNOTSUPP {
			return l.readOld(e, device)
		} else if err != nil {
			return 0, nil, err
		}
		// To a request with a wrong number of words the kernel answers with the
		// right one, negated.
		switch words := int(int8(b[wordsAt])); {
		case words > 0:
			return b[negotiatesAt], b[sizeofLinkSettings : sizeofLinkSettings+2*4*words], nil
		case words < 0 && words >= -maxModeWords:
			l.words = -words
		}
	}
	return 0, nil, fmt.Errorf("want sets of %d words, have %d", l.words, int8(b[wordsAt]))
}

// readOld is read for kernels that have link modes up to bit 31 only.
func (l *ethtoolLink) readOld(e host.Ethtool, device string) (negotiates byte, sets []byte, err error) {
	const negotiatesAt = 18
	b := l.buffer[:sizeofCmd]
	clear(b)
	netlink.Native.PutUint32(b, unix.ETHTOOL_GSET)
	if err := e.Ioctl(device, b); err != nil {
		return 0, nil, err
	}
	return b[negotiatesAt], b[4:12], nil
}

// linkModes are the names of link modes by their bits (enum
// ethtool_link_mode_bit_indices in include/uapi/linux/ethtool.h).
var linkModes = strings.Fields(`
	10baseT_Half 10baseT_Full 100baseT_Half 100baseT_Full 1000baseT_Half 1000baseT_Full Autoneg TP
	AUI MII FIBRE BNC 10000baseT_Full Pause Asym_Pause 2500baseX_Full
	Backplane 1000baseKX_Full 10000baseKX4_Full 10000baseKR_Full 10000baseR_FEC 20000baseMLD2_Full 20000baseKR2_Full 40000baseKR4_Full
	40000baseCR4_Full 40000baseSR4_Full 40000baseLR4_Full 56000baseKR4_Full 56000baseCR4_Full 56000baseSR4_Full 56000baseLR4_Full 25000baseCR_Full
	25000baseKR_Full 25000baseSR_Full 50000baseCR2_Full 50000baseKR2_Full 100000baseKR4_Full 100000baseSR4_Full 100000baseCR4_Full 100000baseLR4_ER4_Full
	50000baseSR2_Full 1000baseX_Full 10000baseCR_Full 10000baseSR_Full 10000baseLR_Full 10000baseLRM_Full 10000baseER_Full 2500baseT_Full
	5000baseT_Full FEC_NONE FEC_RS FEC_BASER 50000baseKR_Full 50000baseSR_Full 50000baseCR_Full 50000baseLR_ER_FR_Full
	50000baseDR_Full 100000baseKR2_Full 100000baseSR2_Full 100000baseCR2_Full 100000baseLR2_ER2_FR2_Full 100000baseDR2_Full 200000baseKR4_Full 200000baseSR4_Full
	200000baseLR4_ER4_FR4_Full 200000baseDR4_Full 200000baseCR4_Full 100baseT1_Full 1000baseT1_Full 400000baseKR8_Full 400000baseSR8_Full 400000baseLR8_ER8_FR8_Full
	400000baseDR8_Full 400000baseCR8_Full FEC_LLRS 100000baseKR_Full 100000baseSR_Full 100000baseLR_ER_FR_Full 100000baseCR_Full 100000baseDR_Full
	200000baseKR2_Full 200000baseSR2_Full 200000baseLR2_ER2_FR2_Full 200000baseDR2_Full 200000baseCR2_Full 400000baseKR4_Full 400000baseSR4_Full 400000baseLR4_ER4_FR4_Full
	400000baseDR4_Full 400000baseCR4_Full 100baseFX_Half 100baseFX_Full 10baseT1L_Full 800000baseCR8_Full 800000baseKR8_Full 800000baseDR8_Full
	800000baseDR8_2_Full 800000baseSR8_Full 800000baseVR8_Full 10baseT1S_Full 10baseT1S_Half 10baseT1S_P2MP_Half 10baseT1BRR_Full 200000baseCR_Full
	200000baseKR_Full 200000baseDR_Full 200000baseDR_2_Full 200000baseSR_Full 200000baseVR_Full 400000baseCR2_Full 400000baseKR2_Full 400000baseDR2_Full
	400000baseDR2_2_Full 400000baseSR2_Full 400000baseVR2_Full 800000baseCR4_Full 800000baseKR4_Full 800000baseDR4_Full 800000baseDR4_2_Full 800000baseSR4_Full
	800000baseVR4_Full
`)
