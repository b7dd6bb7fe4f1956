package network

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

var wifi = collect.Spec{
	Name:              "wifi",
	Help:              "Wireless interfaces, their networks, and the stations that they talk to.",
	DisabledByDefault: true,
	Build:             collect.With(wifiOptions{}, newWifi),
}

type wifiOptions struct{ Fixtures collect.String }

func (o *wifiOptions) Fields() []collect.Field {
	return []collect.Field{{
		Name: "fixtures", Help: "Directory with JSON files to read in place of nl80211, for tests.", Value: &o.Fixtures, IsPath: true,
	}}
}

// wifiCollector asks nl80211, a family of generic netlink, for the wireless
// interfaces, and for the network (BSS) and the stations of each. The peers of a
// client are its access points, those of an access point its clients.
//
// See https://wireless.docs.kernel.org/en/latest/en/developers/documentation/nl80211.html
// and include/uapi/linux/nl80211.h.
type wifiCollector struct {
	source wifiSource

	frequency, info *metric.Family
	station         [numStationValues]*metric.Family

	interfaces []wifiInterface
	addresses  map[[6]byte]*wifiAddress
	round      uint64 // of the stations of one interface
}

// A wifiSource has what nl80211 knows. Slices are valid until the function that
// gets them returns.
type wifiSource interface {
	// interfaces appends the wireless interfaces.
	interfaces([]wifiInterface) ([]wifiInterface, error)
	// network returns the network that an interface is in.
	network(*wifiInterface) (network wifiNetwork, ok bool, err error)
	stations(*wifiInterface, func(*wifiStation)) error
}

type wifiInterface struct {
	index        uint32
	name         string
	megahertz    uint32
	hasFrequency bool
}

type wifiNetwork struct {
	bssid  []byte
	ssid   string
	status uint32 // NL80211_BSS_STATUS_*
}

// The values of a station, in units of their families.
const (
	stationConnected = iota
	stationInactive
	stationReceiveRate
	stationTransmitRate
	stationSignal
	stationRetries
	stationFailed
	stationBeaconLoss
	stationReceivedBytes
	stationTransmittedBytes
	stationReceivedPackets
	stationTransmittedPackets
	numStationValues
)

type wifiStation struct {
	address []byte
	value   [numStationValues]float64
	has     [numStationValues]bool
}

func (s *wifiStation) set(i int, v float64) { s.value[i], s.has[i] = v, true }

// A wifiAddress is a hardware address as text.
type wifiAddress struct {
	text  string
	round uint64 // in which it was last the address of a station
}

func newWifi(env *collect.Env, o wifiOptions) (*wifiCollector, error) {
	m := env.Metrics
	gauge := func(name, help string) *metric.Family {
		return m.Gauge("node_wifi_station_"+name, help, "device", "mac_address")
	}
	counter := func(name, help string) *metric.Family {
		return m.Counter("node_wifi_station_"+name+"_total", help, "device", "mac_address")
	}
	c := &wifiCollector{
		frequency: m.Gauge("node_wifi_interface_frequency_hertz", "Frequency of the channel that the wireless interface uses.", "device"),
		info:      m.Gauge("node_wifi_station_info", "Network that the wireless interface is in; always 1.", "bssid", "device", "mode", "ssid"),
		station: [numStationValues]*metric.Family{
			stationConnected:          counter("connected_seconds", "Time since the station connected."),
			stationInactive:           gauge("inactive_seconds", "Time since the station was last active."),
			stationReceiveRate:        gauge("receive_bits_per_second", "Bit rate of the last data frame from the station."),
			stationTransmitRate:       gauge("transmit_bits_per_second", "Bit rate of transmissions to the station."),
			stationSignal:             gauge("signal_dbm", "Signal strength of the last frame from the station, in dBm."),
			stationRetries:            counter("transmit_retries", "Retries of transmissions to the station."),
			stationFailed:             counter("transmit_failed", "Transmissions to the station that failed."),
			stationBeaconLoss:         counter("beacon_loss", "Times that beacons of the station were lost."),
			stationReceivedBytes:      counter("receive_bytes", "Bytes received from the station."),
			stationTransmittedBytes:   counter("transmit_bytes", "Bytes sent to the station."),
			stationReceivedPackets:    counter("received_packets", "Packets received from the station."),
			stationTransmittedPackets: counter("transmitted_packets", "Packets sent to the station."),
		},
		addresses: map[[6]byte]*wifiAddress{},
	}
	if o.Fixtures != "" {
		c.source = &wifiFixtures{env.Host.Files.Reader(), string(o.Fixtures)}
	} else {
		c.source = newNL80211(env.Host.Netlink)
	}
	return c, nil
}

func (c *wifiCollector) Update(_ context.Context, out *metric.Sink) (err error) {
	c.interfaces, err = c.source.interfaces(c.interfaces[:0])
	if netlink.DumpFailed(err) {
		return collect.OrNoData(err)
	}
	if err != nil {
		out.Error(err)
	}
	for i := range c.interfaces {
		dev := &c.interfaces[i]
		if dev.hasFrequency {
			out.Emit(c.frequency, float64(dev.megahertz)*1e6, dev.name)
		}
		reportWifi(c.updateNetwork(dev, out), dev, "network", out)
		reportWifi(c.updateStations(dev, out), dev, "stations", out)
	}
	return nil
}

// reportWifi reports an error, unless it says that the interface is gone or that
// its driver does not support a request.
func reportWifi(err error, dev *wifiInterface, what string, out *metric.Sink) {
	if err != nil && !host.Gone(err) && !errors.Is(err, unix.EOPNOTSUPP) {
		out.Error(fmt.Errorf("%s of %s: %w", what, dev.name, err))
	}
}

func (c *wifiCollector) updateNetwork(dev *wifiInterface, out *metric.Sink) error {
	network, ok, err := c.source.network(dev)
	if ok {
		out.Emit(c.info, 1, c.addressOf(network.bssid).text, dev.name, wifiMode(network.status), network.ssid)
	}
	return err
}

// wifiMode returns the word for how an interface takes part in its network.
func wifiMode(status uint32) string {
	switch status {
	case unix.NL80211_BSS_STATUS_AUTHENTICATED, unix.NL80211_BSS_STATUS_ASSOCIATED:
		return "client"
	case unix.NL80211_BSS_STATUS_IBSS_JOINED:
		return "ad-hoc"
	}
	return "unknown"
}

func (c *wifiCollector) updateStations(dev *wifiInterface, out *metric.Sink) error {
	c.round++
	return c.source.stations(dev, func(s *wifiStation) {
		address := c.addressOf(s.address)
		if address.round == c.round {
			return // listed twice, because others came or went meanwhile
		}
		address.round = c.round
		for i, family := range c.station {
			if s.has[i] {
				out.Emit(family, s.value[i], dev.name, address.text)
			}
		}
	})
}

// maxWifiAddresses limits what is kept of stations that came and went.
const maxWifiAddresses = 1 << 12

func (c *wifiCollector) addressOf(b []byte) *wifiAddress {
	if len(b) != 6 {
		return &wifiAddress{text: hardwareAddress(b)}
	}
	address := c.addresses[[6]byte(b)]
	if address == nil {
		if len(c.addresses) > maxWifiAddresses {
			clear(c.addresses)
		}
		address = &wifiAddress{text: hardwareAddress(b)}
		c.addresses[[6]byte(b)] = address
	}
	return address
}
