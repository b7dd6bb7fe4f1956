package network

import (
	"path"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// wifiFixtures reads files in the format of the fixtures of node_exporter:
// interfaces.json, and bss.json and stationinfo.json in a folder for each
// interface, with the fields of github.com/mdlayher/wifi in any case. A field
// that is not there is 0, as in that format.
type wifiFixtures struct {
	files *host.Reader
	dir   string
}

func (f *wifiFixtures) read(v any, elem ...string) error {
	return readJSON(f.files, v, path.Join(append([]string{f.dir}, elem...)...))
}

func (f *wifiFixtures) interfaces(list []wifiInterface) ([]wifiInterface, error) {
	var all []struct {
		Name      string
		Frequency uint32 // MHz
	}
	err := f.read(&all, "interfaces.json")
	for _, dev := range all {
		if dev.Name != "" {
			list = append(list, wifiInterface{name: dev.Name, megahertz: dev.Frequency, hasFrequency: true})
		}
	}
	return list, err
}

func (f *wifiFixtures) network(dev *wifiInterface) (network wifiNetwork, ok bool, err error) {
	var bss struct {
		SSID   string
		BSSID  []byte
		Status uint32
	}
	err = f.read(&bss, dev.name, "bss.json")
	return wifiNetwork{bssid: bss.BSSID, ssid: bss.SSID, status: bss.Status}, err == nil, err
}

func (f *wifiFixtures) stations(dev *wifiInterface, each func(*wifiStation)) error {
	var all []struct {
		HardwareAddr                        []byte
		Connected, Inactive                 time.Duration
		ReceiveBitrate, TransmitBitrate     uint64
		Signal                              int
		TransmitRetries, TransmitFailed     uint64
		BeaconLoss                          uint64
		ReceivedBytes, TransmittedBytes     uint64
		ReceivedPackets, TransmittedPackets uint64
	}
	if err := f.read(&all, dev.name, "stationinfo.json"); err != nil {
		return err
	}
	for _, in := range all {
		s := wifiStation{address: in.HardwareAddr}
		for i, v := range [numStationValues]float64{
			stationConnected:          in.Connected.Seconds(),
			stationInactive:           in.Inactive.Seconds(),
			stationReceiveRate:        float64(in.ReceiveBitrate),
			stationTransmitRate:       float64(in.TransmitBitrate),
			stationSignal:             float64(in.Signal),
			stationRetries:            float64(in.TransmitRetries),
			stationFailed:             float64(in.TransmitFailed),
			stationBeaconLoss:         float64(in.BeaconLoss),
			stationReceivedBytes:      float64(in.ReceivedBytes),
			stationTransmittedBytes:   float64(in.TransmittedBytes),
			stationReceivedPackets:    float64(in.ReceivedPackets),
			stationTransmittedPackets: float64(in.TransmittedPackets),
		} {
			s.set(i, v)
		}
		each(&s)
	}
	return nil
}
