package hba

import (
	"context"
	"errors"
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaBeyond are the things that are not SCSI hosts themselves: what hangs off
// them, and what has none.
type hbaBeyond struct {
	of         hbaChosen
	disks      hbaDisks
	sas        hbaSASTree
	enclosures hbaEnclosures
	iscsi      hbaISCSISessions
	nvme       hbaNVMeControllers
}

// beyondOptions are their options.
type beyondOptions struct {
	nvmePCIe collect.Bool
}

func (o *beyondOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "nvme-pcie", Value: &o.nvmePCIe, Help: "Whether to tell NVMe controllers on PCI Express as well as those on a network."},
	}
}

func newHBABeyond(m *metric.Set, o *beyondOptions) hbaBeyond {
	return hbaBeyond{
		iscsi:      newHBAISCSISessions(m),
		sas:        newHBASASTree(m),
		enclosures: newHBAEnclosures(m),
		nvme:       newHBANVMeControllers(m, bool(o.nvmePCIe)),
	}
}

// beyondReads returns the files that are read of them.
func beyondReads() []string {
	return slices.Concat(sasReads(), enclosureReads(), iscsiReads(), nvmeReads())
}

// Update reads the SCSI hosts and then what is reached over them, and what is
// reached over none: NVMe controllers have no SCSI host.
func (c *hbaCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.Out, c.chosen, c.statistics = out, c.chosen[:0], c.statistics[:0]
	err := c.updateHosts(ctx, out)
	c.firmware.Update(ctx, out, c.statistics)
	c.of.choose(c.chosen)
	c.disks.begin()
	c.sas.update(c.Reader, &c.of, &c.disks)
	c.enclosures.update(c.Reader, &c.of, &c.disks)
	c.iscsi.update(c.Reader, &c.of, c.chosen)
	c.nvme.update(c.Reader, c.chosen)
	c.slow.Update(ctx, c.Reader, c.slowDevices())
	c.firmware.EmitHealth(c.Reader, c.chosen, c.slow)
	if told, _ := out.Errors(); errors.Is(err, collect.ErrNoData) && (out.SampleCount() > 0 || len(told) > 0) {
		return nil
	}
	return err
}

// slowDevices returns what has slow values. An enclosure that is on no SCSI host
// has none: it is not known what else must not be read at the same time.
func (c *hbaCollector) slowDevices() *firmware.Devices {
	d := &c.devices
	d.Hosts, d.Phys, d.Slots = c.chosen, d.Phys[:0], d.Slots[:0]
	for i := range c.sas.known.phys {
		name := c.sas.known.phys[i].name
		if h := c.of.of(name); h != nil {
			d.Phys = append(d.Phys, firmware.Phy{Host: h, Name: name})
		}
	}
	for _, e := range c.enclosures.known {
		if !isSCSIDevice(e.name) {
			continue
		}
		if h := c.of.of(e.name); h != nil {
			for _, s := range e.slots {
				d.Slots = append(d.Slots, firmware.Slot{Host: h, Enclosure: e.name, Name: s.name, Label: s.label})
			}
		}
	}
	return d
}
