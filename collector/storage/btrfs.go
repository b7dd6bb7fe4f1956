package storage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var btrfs = collect.Spec{
	Name: "btrfs",
	Help: "Space that mounted btrfs file systems have given out and use, their commits, and the errors of their devices.",
	Reads: []string{
		"/sys/fs/btrfs/*-*/label",
		"/sys/fs/btrfs/*-*/metadata_uuid",
		"/sys/fs/btrfs/*-*/commit_stats",
		"/sys/fs/btrfs/*-*/allocation/global_rsv_size",
		"/sys/fs/btrfs/*-*/allocation/*/bytes_reserved",
		"/sys/fs/btrfs/*-*/allocation/*/*/total_bytes",
		"/sys/fs/btrfs/*-*/allocation/*/*/used_bytes",
		"/sys/fs/btrfs/*-*/devices/*/size",
		"/sys/fs/btrfs/*-*/devinfo/*/error_stats",
		"/proc/1/mountinfo",
		"/proc/self/mountinfo",
	},
	Needs:           "To open a mount point of the file system, for the errors and the unused space of its devices; it is asked there with ioctls that take no privilege.",
	NoDataIsSuccess: true,
	Build:           collect.Plain(newBtrfs),
}

// btrfsCollector reads /sys/fs/btrfs/UUID, mostly a number a file, and asks
// each file system for its devices, of which sysfs does not tell which is
// which. See https://docs.kernel.org/filesystems/btrfs.html, and
// https://btrfs.readthedocs.io/en/latest/ch-sysfs.html for the files.
type btrfsCollector struct {
	sys         *host.Reader
	prober      btrfsProber
	fileSystems []btrfsFileSystem
	lastAnswers map[string]btrfsAnswer // by folder; see emitDevices

	info, globalReserve                               *metric.Family
	commits, commitSeconds, lastCommit, longestCommit *metric.Family
	reserved, size, used, ratio                       *metric.Family
	deviceSize, deviceUnused, deviceErrors            *metric.Family
}

// A btrfsFileSystem is what sysfs says of one file system and its devices.
type btrfsFileSystem struct {
	dir         string              // its name in sysfs, and its fsid
	uuid        string              // as label
	devices     []string            // names of block devices
	errors      []btrfsDeviceErrors // by ID of the device
	deviceCount int                 // how many devices there are with those that are missing; 0 in older kernels
}

const btrfsDir = "fs/btrfs"

func newBtrfs(env *collect.Env) *btrfsCollector {
	m := env.Metrics
	return &btrfsCollector{
		sys:         env.Host.Sys.Reader(),
		prober:      btrfsProber{ioctl: env.Host.Btrfs, proc: env.Host.Proc.Reader(), root: env.Host.Root, probes: map[string]*btrfsProbe{}},
		lastAnswers: map[string]btrfsAnswer{},

		info:          m.Gauge("node_btrfs_info", "A btrfs file system that is mounted, with its label: always 1.", "label", "uuid"),
		globalReserve: m.Gauge("node_btrfs_global_rsv_size_bytes", "Metadata space set aside for when there is no other left.", "uuid"),
		commits:       m.Counter("node_btrfs_commits_total", "Transactions committed since the file system was mounted.", "uuid"),
		commitSeconds: m.Counter("node_btrfs_commit_seconds_total", "Time spent committing transactions.", "uuid"),
		lastCommit:    m.Gauge("node_btrfs_last_commit_seconds", "Time that the last commit of a transaction took.", "uuid"),
		longestCommit: m.Gauge("node_btrfs_max_commit_seconds", "Time that the longest commit of a transaction took, since the mount or since it was reset.", "uuid"),
		reserved:      m.Gauge("node_btrfs_reserved_bytes", "Space that is promised to writes under way, by what is to be written.", "block_group_type", "uuid"),
		size:          m.Gauge("node_btrfs_size_bytes", "Space given out in block groups, by what they hold and by profile; copies are not counted.", "block_group_type", "mode", "uuid"),
		used:          m.Gauge("node_btrfs_used_bytes", "Space used of what is given out in block groups; copies are not counted.", "block_group_type", "mode", "uuid"),
		ratio:         m.Gauge("node_btrfs_allocation_ratio", "Bytes on devices that a byte takes with this profile.", "block_group_type", "mode", "uuid"),
		deviceSize:    m.Gauge("node_btrfs_device_size_bytes", "Size of a device, as far as the file system may use it; without btrfs_dev_uuid, where the file system could not be asked, of the block device.", "btrfs_dev_uuid", "device", "uuid"),
		deviceUnused:  m.Gauge("node_btrfs_device_unused_bytes", "Space of a device that is not given out to block groups.", "btrfs_dev_uuid", "device", "uuid"),
		deviceErrors:  m.Counter("node_btrfs_device_errors_total", "Errors that btrfs had with a device: the device failed to read, write or flush, or gave back what was not written. They are kept with the file system.", "btrfs_dev_uuid", "device", "type", "uuid"),
	}
}

func (c *btrfsCollector) Update(ctx context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(btrfsDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	c.list(names)
	if len(c.fileSystems) == 0 {
		c.prober.clearMounts()
		c.prober.dropUnmounted()
		return collect.ErrNoData // the module is loaded, and nothing is mounted
	}
	withErrors := false
	for i := range c.fileSystems {
		s := &c.fileSystems[i]
		c.readDevices(s, out)
		c.emitFileSystem(s, out)
		withErrors = withErrors || len(s.errors) == 0
	}
	answers, late := c.prober.query(ctx, withErrors, out)
	for i := range c.fileSystems {
		c.emitDevices(&c.fileSystems[i], answers, late, out)
	}
	return nil
}

// list fills in the file systems and how they are labelled: by the UUID in
// their metadata, which is that of the folder unless it was changed on its
// own, or unless a copy of a mounted file system is mounted. Then both have
// the same in their metadata, and the copy goes by its folder.
func (c *btrfsCollector) list(names []string) {
	c.fileSystems = c.fileSystems[:0]
	for _, dir := range names {
		if !strings.Contains(dir, "-") { // features
			continue
		}
		uuid := c.sys.String(btrfsDir, dir, "metadata_uuid")
		if uuid == "" || slices.Contains(names, uuid) || slices.ContainsFunc(c.fileSystems, func(s btrfsFileSystem) bool { return s.uuid == uuid }) {
			uuid = dir
		}
		c.fileSystems = append(c.fileSystems, btrfsFileSystem{dir: dir, uuid: uuid})
	}
	for dir := range c.lastAnswers {
		if !slices.Contains(names, dir) {
			delete(c.lastAnswers, dir)
		}
	}
}

func (c *btrfsCollector) emitFileSystem(s *btrfsFileSystem, out *metric.Sink) {
	label, err := c.sys.Text(btrfsDir, s.dir, "label")
	if !host.Gone(err) { // gone: unmounted meanwhile
		out.Emit(c.info, 1, string(label), s.uuid)
	}
	if v, ok := c.number(out, s.dir, "allocation", "global_rsv_size"); ok {
		out.Emit(c.globalReserve, v, s.uuid)
	}
	c.emitCommits(s, out)
	mixed := !c.emitSpace(s, "data", out)
	c.emitSpace(s, "metadata", out)
	c.emitSpace(s, "system", out)
	if mixed { // small file systems may have data and metadata in the same groups
		c.emitSpace(s, "mixed", out)
	}
}

// number returns the number in a file of a file system. What is taken for the
// folder of a profile may be a file that newer kernels have.
func (c *btrfsCollector) number(out *metric.Sink, dir string, elem ...string) (float64, bool) {
	var path [6]string // so that elem may stay on the stack
	v, err := c.sys.Uint(append(append(path[:0], btrfsDir, dir), elem...)...)
	if err != nil && !host.Gone(err) && !errors.Is(err, syscall.ENOTDIR) {
		out.Error(err)
	}
	return float64(v), err == nil
}

// emitCommits reads commit_stats, which kernels have since 6.0.
func (c *btrfsCollector) emitCommits(s *btrfsFileSystem, out *metric.Sink) {
	b, err := c.sys.Read(btrfsDir, s.dir, "commit_stats")
	if err != nil {
		if !host.Gone(err) {
			out.Error(err)
		}
		return
	}
	rows, err := parseBtrfsRows(b, []string{"commits", "last_commit_ms", "max_commit_ms", "total_commit_ms"})
	if err != nil {
		out.Error(c.sys.At(err))
	}
	for i, f := range [...]*metric.Family{c.commits, c.lastCommit, c.longestCommit, c.commitSeconds} {
		switch {
		case !rows.has[i]:
		case i == 0:
			out.Emit(f, float64(rows.values[i]), s.uuid)
		default:
			out.Emit(f, float64(rows.values[i])/1000, s.uuid)
		}
	}
}

// emitSpace tells of the block groups that hold a kind of content. It reports
// false when there are none.
func (c *btrfsCollector) emitSpace(s *btrfsFileSystem, content string, out *metric.Sink) bool {
	names, err := c.sys.Names(btrfsDir, s.dir, "allocation", content)
	if err != nil {
		if !host.Gone(err) {
			out.Error(err)
		}
		return !host.Gone(err)
	}
	if v, ok := c.number(out, s.dir, "allocation", content, "bytes_reserved"); ok {
		out.Emit(c.reserved, v, content, s.uuid)
	}
	for _, mode := range names {
		if strings.Contains(mode, "_") || mode == "flags" { // a file; the others are folders of profiles
			continue
		}
		c.emitProfile(s, content, mode, out)
	}
	return true
}

func (c *btrfsCollector) emitProfile(s *btrfsFileSystem, content, mode string, out *metric.Sink) {
	total, okTotal := c.number(out, s.dir, "allocation", content, mode, "total_bytes")
	if okTotal {
		out.Emit(c.size, total, content, mode, s.uuid)
	}
	used, okUsed := c.number(out, s.dir, "allocation", content, mode, "used_bytes")
	if okUsed {
		out.Emit(c.used, used, content, mode, s.uuid)
	}
	if ratio, known := btrfsRatio(mode, s.members()); known && (okTotal || okUsed) {
		out.Emit(c.ratio, ratio, content, mode, s.uuid)
	}
}

// members returns how many devices data is spread over. Those that are missing
// are not among the block devices.
func (s *btrfsFileSystem) members() int {
	if s.deviceCount > 0 {
		return s.deviceCount
	}
	return len(s.devices)
}
