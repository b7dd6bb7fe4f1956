package hardware

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var dmi = collect.Spec{
	Name: "dmi",
	Help: "Identity of the machine, its board, chassis and firmware, from DMI.",
	Reads: []string{
		"/sys/class/dmi/id/bios_date",
		"/sys/class/dmi/id/bios_release",
		"/sys/class/dmi/id/bios_vendor",
		"/sys/class/dmi/id/bios_version",
		"/sys/class/dmi/id/board_asset_tag",
		"/sys/class/dmi/id/board_name",
		"/sys/class/dmi/id/board_serial",
		"/sys/class/dmi/id/board_vendor",
		"/sys/class/dmi/id/board_version",
		"/sys/class/dmi/id/chassis_asset_tag",
		"/sys/class/dmi/id/chassis_serial",
		"/sys/class/dmi/id/chassis_vendor",
		"/sys/class/dmi/id/chassis_version",
		"/sys/class/dmi/id/product_family",
		"/sys/class/dmi/id/product_name",
		"/sys/class/dmi/id/product_serial",
		"/sys/class/dmi/id/product_sku",
		"/sys/class/dmi/id/product_uuid",
		"/sys/class/dmi/id/product_version",
		"/sys/class/dmi/id/sys_vendor",
	},
	Needs: "root or CAP_DAC_READ_SEARCH for serial numbers and UUID (mode 0400), whose labels are left out otherwise",
	Caps:  []capability.Capability{capability.DACReadSearch},
	Build: collect.Plain(newDMI),
}

// dmiCollector reads /sys/class/dmi/id, a string in each file (product_name:
// PowerEdge R740). Which files exist depends on the firmware, and which are
// readable on privileges. Only readable files become labels, so that the family
// is declared at the first reading. See
// https://github.com/torvalds/linux/blob/master/drivers/firmware/dmi-id.c.
type dmiCollector struct {
	sys      *host.Reader
	metrics  *metric.Set
	info     *metric.Family // nil before the first reading
	labels   []string
	values   []string
	complete bool // whether all files were read, which do not change until the next boot
}

const dmiDir = "class/dmi/id"

func newDMI(env *collect.Env) *dmiCollector {
	env.Metrics.AllowDynamic()
	return &dmiCollector{
		sys:     env.Host.Sys.Reader(),
		metrics: env.Metrics,
		// The names of the files, except the last one; see dmiFile.
		labels: []string{
			"bios_date", "bios_release", "bios_vendor", "bios_version",
			"board_asset_tag", "board_name", "board_serial", "board_vendor", "board_version",
			"chassis_asset_tag", "chassis_serial", "chassis_vendor", "chassis_version",
			"product_family", "product_name", "product_serial", "product_sku", "product_uuid", "product_version",
			"system_vendor",
		},
	}
}

func dmiFile(label string) string {
	if label == "system_vendor" {
		return "sys_vendor"
	}
	return label
}

func (c *dmiCollector) Update(_ context.Context, out *metric.Sink) error {
	if !c.complete {
		if err := c.readFiles(out); err != nil {
			return err
		}
	}
	out.Emit(c.info, 1, c.values...)
	return nil
}

// readFiles reads the files and, at the first reading, declares the family with
// a label for each file that is not absent or denied. A file with another error
// has an empty label until a later reading.
func (c *dmiCollector) readFiles(out *metric.Sink) error {
	if _, err := c.sys.Names(dmiDir); err != nil {
		return collect.OrNoData(err)
	}
	var labels, values []string
	var denied error
	c.complete = true
	for _, label := range c.labels {
		b, err := c.sys.Text(dmiDir, dmiFile(label))
		switch {
		case err == nil:
		case c.info == nil && host.Gone(err):
			continue
		case c.info == nil && errors.Is(err, fs.ErrPermission):
			denied = err
			continue
		case host.Gone(err): // declared because it could not be read at first
		default:
			out.Error(err)
			c.complete = false
		}
		labels = append(labels, label)
		values = append(values, string(b))
	}
	if len(labels) == 0 {
		c.complete = false
		if denied == nil {
			return collect.ErrNoData
		}
		return fmt.Errorf("%w: %w", collect.ErrNoData, denied)
	}
	if c.info == nil {
		c.info = c.metrics.Gauge("node_dmi_info", "Identity of the machine from DMI, in the labels; always 1.", labels...)
		c.labels = labels
	}
	c.values = values
	return nil
}
