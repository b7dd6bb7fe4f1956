package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

var ethtool = collect.Spec{
	Name:              "ethtool",
	Help:              "Statistics that drivers of network interfaces keep, their link modes, and the drivers.",
	Reads:             []string{"/sys/class/net/*"},
	DisabledByDefault: true,
	Build:             collect.With(ethtoolOptions{Metrics: collect.Pattern(".*")}, newEthtool),
}

type ethtoolOptions struct {
	Devices    collect.Filter
	Metrics    collect.Regexp
	Interfaces interfaceOptions
}

func (o *ethtoolOptions) Fields() []collect.Field {
	return slices.Concat(o.Devices.Fields("device"), []collect.Field{
		{Name: "metrics-include", Help: "Regular expression of statistics to include, by the names that drivers give them.", Value: &o.Metrics},
	}, o.Interfaces.Fields())
}

// ethtoolCollector asks the driver of each interface by ioctls for what
// ethtool(8) shows. Each call takes the lock of the interface, in older kernels
// that of all interfaces, and some are commands to the device. What a driver
// does not support has no samples.
//
// See https://docs.kernel.org/networking/statistics.html and
// include/uapi/linux/ethtool.h.
type ethtoolCollector struct {
	sys     *host.Reader
	open    func() (host.Ethtool, error)
	options ethtoolOptions
	filter  *interfaceFilter

	info  *metric.Family
	link  *ethtoolLink
	stats *ethtoolStats

	devices host.Listing
	drivers map[string]*ethtoolDriver // by device
	answer  ethtoolAnswer
}

func newEthtool(env *collect.Env, o ethtoolOptions) (*ethtoolCollector, error) {
	return &ethtoolCollector{
		sys:     env.Host.Sys.Reader().Share(netDir),
		open:    env.Host.Ethtool,
		options: o,
		filter:  newInterfaceFilter(env.Host, o.Interfaces),
		info:    env.Metrics.Gauge(ethtoolInfo, "Driver of the network interface, with its versions; always 1.", "bus_info", "device", "driver", "expansion_rom_version", "firmware_version", "version"),
		link:    newEthtoolLink(env.Metrics),
		stats:   newEthtoolStats(env.Metrics, o.Metrics),
		drivers: map[string]*ethtoolDriver{},
	}, nil
}

func (c *ethtoolCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	changed, err := c.sys.List(&c.devices, netDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	if changed {
		clear(c.drivers)
	}
	if c.open == nil {
		return errors.New("ethtool is not available")
	}
	e, err := c.open()
	if err != nil {
		return err
	}
	defer e.Close()
	c.filter.refresh(ctx, out)
	for _, entry := range c.devices.Entries {
		device := entry.Name
		if c.options.Devices.Ignores(device) || c.filter.excludes(device) {
			continue
		}
		reportEthtool(c.link.update(e, device, out), device, "link settings", out)
		reportEthtool(c.updateDriver(e, device, out), device, "driver", out)
		reportEthtool(c.stats.update(e, device, out), device, "statistics", out)
	}
	return nil
}

// reportEthtool reports an error, unless it says that the device is gone or that
// its driver does not support a call.
func reportEthtool(err error, device, what string, out *metric.Sink) {
	const notSupported = unix.Errno(524) // ENOTSUPP, which drivers return by mistake
	if err != nil && !host.Gone(err) && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, notSupported) {
		out.Error(fmt.Errorf("ethtool %s: %s: %w", device, what, err))
	}
}

// An ethtoolDriver is what labels show of a driver, and the bytes that it was
// made of.
type ethtoolDriver struct {
	made                              ethtoolAnswer
	name, version, firmware, bus, rom string
}

// An ethtoolAnswer is a struct ethtool_drvinfo: the command, five texts of 32
// bytes each, and numbers.
type ethtoolAnswer [196]byte

func (c *ethtoolCollector) updateDriver(e host.Ethtool, device string, out *metric.Sink) error {
	c.answer = ethtoolAnswer{}
	netlink.Native.PutUint32(c.answer[:], unix.ETHTOOL_GDRVINFO)
	if err := e.Ioctl(device, c.answer[:]); err != nil {
		return err
	}
	d := c.drivers[device]
	if d == nil {
		d = &ethtoolDriver{}
		c.drivers[device] = d
	}
	if d.made != c.answer {
		d.made = c.answer
		text := d.made[4:]
		for _, field := range []*string{&d.name, &d.version, &d.firmware, &d.bus, &d.rom} {
			*field, text = string(cString(text[:32])), text[32:]
		}
	}
	out.Emit(c.info, 1, d.bus, device, d.name, d.rom, d.firmware, d.version)
	return nil
}

// cString returns the bytes before the first NUL.
func cString(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte{0})
	return b
}
