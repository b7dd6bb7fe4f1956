package hba

import (
	"context"
	"errors"
	"slices"

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
	c.Out, c.chosen, c.asked, c.answers = out, c.chosen[:0], c.asked[:0], c.answers[:0]
	err := c.updateHosts(ctx, out)
	c.of.choose(c.chosen)
	c.disks.begin()
	c.sas.update(c.Reader, &c.of, &c.disks)
	c.enclosures.update(c.Reader, &c.of, &c.disks)
	c.iscsi.update(c.Reader, &c.of, c.chosen)
	c.nvme.update(c.Reader, c.chosen)
	c.updateSlow(ctx)
	c.emitTroubles()
	if told, _ := out.Errors(); errors.Is(err, collect.ErrNoData) && (out.SampleCount() > 0 || len(told) > 0) {
		return nil
	}
	return err
}
