package storage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var btrfs = collect.Spec{
	Name: "btrfs",
	Help: "Space and commits of mounted btrfs file systems, and size and errors of their devices.",
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
	Needs:           "Read permission on a mount point of the file system, for the errors and the unused space of its devices; the ioctls need no privilege.",
	OpensMounts:     "btrfs",
	Caps:            []capability.Capability{capability.DACReadSearch},
	NoDataIsSuccess: true,
	Build:           collect.Plain(newBtrfs),
}

// btrfsCollector reads the directories /sys/fs/btrfs/UUID, where most files
// have one number, and queries each file system for its devices, because sysfs
// does not have their IDs. See https://docs.kernel.org/filesystems/btrfs.html,
// and https://btrfs.readthedocs.io/en/latest/ch-sysfs.html for the files.
type btrfsCollector struct {
	sys         *host.Reader
	prober      btrfsProber
	fileSystems []btrfsFileSystem
	lastAnswers map[string]btrfsAnswer // by directory; see emitDevices

	info, globalReserve                               *metric.Family
	commits, commitSeconds, lastCommit, longestCommit *metric.Family
	reserved, size, used, ratio                       *metric.Family
	deviceSize, deviceUnused, deviceErrors            *metric.Family
}

// A btrfsFileSystem is what sysfs has of a file system and its devices.
type btrfsFileSystem struct {
	dir            string              // name in sysfs, the fsid
	uuid           string              // as label
	devices        []string            // names of block devices
	errors         []btrfsDeviceErrors // by ID of the device
	deviceCount    int                 // including missing devices; 0 on older kernels
	membersUnknown bool                // because they cannot be read
}

const btrfsDir = "fs/btrfs"

func newBtrfs(env *collect.Env) *btrfsCollector {
	m := env.Metrics
	c := &btrfsCollector{
		sys:         env.Host.Sys.Reader(),
		prober:      btrfsProber{ioctl: env.Host.Btrfs, calls: env.Host.Calls.Source(), proc: env.Host.Proc.Reader().Share(mountTables()...), root: env.Host.Root, probes: map[string]*btrfsProbe{}},
		lastAnswers: map[string]btrfsAnswer{},

		info:          m.Gauge("node_btrfs_info", "Label of a mounted btrfs file system; always 1.", "label", "uuid"),
		globalReserve: m.Gauge("node_btrfs_global_rsv_size_bytes", "Size of the metadata reserve for when no other space is left, in bytes.", "uuid"),
		commits:       m.Counter("node_btrfs_commits_total", "Transactions committed since the file system was mounted.", "uuid"),
		commitSeconds: m.Counter("node_btrfs_commit_seconds_total", "Time spent committing transactions.", "uuid"),
		lastCommit:    m.Gauge("node_btrfs_last_commit_seconds", "Duration of the last commit of a transaction.", "uuid"),
		longestCommit: m.Gauge("node_btrfs_max_commit_seconds", "Duration of the longest commit of a transaction since the mount or a reset.", "uuid"),
		reserved:      m.Gauge("node_btrfs_reserved_bytes", "Space reserved for writes in progress in bytes, by type of block group.", "block_group_type", "uuid"),
		size:          m.Gauge("node_btrfs_size_bytes", "Size of the block groups in bytes, by type and profile, each copy of data counted once.", "block_group_type", "mode", "uuid"),
		used:          m.Gauge("node_btrfs_used_bytes", "Used space of the block groups in bytes, by type and profile, each copy of data counted once.", "block_group_type", "mode", "uuid"),
		ratio:         m.Gauge("node_btrfs_allocation_ratio", "Bytes on devices for each byte of data with the profile.", "block_group_type", "mode", "uuid"),
		deviceSize:    m.Gauge("node_btrfs_device_size_bytes", "Usable size of the device, or without btrfs_dev_uuid, size of the block device, in bytes.", "btrfs_dev_uuid", "device", "uuid"),
		deviceUnused:  m.Gauge("node_btrfs_device_unused_bytes", "Space of the device that is not in block groups, in bytes.", "btrfs_dev_uuid", "device", "uuid"),
		deviceErrors:  m.Counter("node_btrfs_device_errors_total", "Errors of the device that btrfs counted: I/O errors, or wrong data read back.", "btrfs_dev_uuid", "device", "type", "uuid"),
	}
	m.OmitEmpty(c.deviceSize, "btrfs_dev_uuid") // which sysfs does not have
	return c
}

func (c *btrfsCollector) Update(ctx context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(btrfsDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	c.list(names, out)
	if len(c.fileSystems) == 0 {
		c.prober.clearMounts()
		c.prober.dropUnmounted()
		return collect.ErrNoData // the module is loaded and nothing is mounted
	}
	withErrors := false
	for i := range c.fileSystems {
		s := &c.fileSystems[i]
		c.readDevices(s, out)
		c.emitFileSystem(s, out)
		withErrors = withErrors || len(s.errors) == 0
	}
	answers, answerMissing := c.prober.query(ctx, withErrors, out)
	for i := range c.fileSystems {
		c.emitDevices(&c.fileSystems[i], answers, answerMissing, out)
	}
	return nil
}

// list lists the file systems and their labels. The label is the UUID in the
// metadata, which is the name of the directory unless the UUID was changed, or
// the file system is a copy of another mounted one. A copy has the same UUID in
// its metadata, and gets the name of its directory as the label.
func (c *btrfsCollector) list(names []string, out *metric.Sink) {
	c.fileSystems = c.fileSystems[:0]
	for _, dir := range names {
		if !strings.Contains(dir, "-") { // the directory features
			continue
		}
		b, err := c.sys.Text(btrfsDir, dir, "metadata_uuid")
		host.ReportUnlessGone(err, out.Error)
		uuid := string(b)
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
	if host.ReportUnlessGone(err, out.Error) { // gone: it was unmounted
		out.Emit(c.info, 1, string(label), s.uuid)
	}
	if v, ok := c.number(out, s.dir, "allocation", "global_rsv_size"); ok {
		out.Emit(c.globalReserve, v, s.uuid)
	}
	c.emitCommits(s, out)
	mixed := !c.emitSpace(s, "data", out)
	c.emitSpace(s, "metadata", out)
	c.emitSpace(s, "system", out)
	if mixed { // small file systems may have data and metadata in the same block groups
		c.emitSpace(s, "mixed", out)
	}
}

// number returns the number in a file of a file system. It does not report
// ENOTDIR: newer kernels may have a file where a directory of a profile is
// expected.
func (c *btrfsCollector) number(out *metric.Sink, dir string, elem ...string) (float64, bool) {
	var path [6]string                                                            // keeps elem on the stack
	v, err := c.sys.Amount64(append(append(path[:0], btrfsDir, dir), elem...)...) // reservations may be below zero
	if !errors.Is(err, syscall.ENOTDIR) {
		host.ReportUnlessGone(err, out.Error)
	}
	return float64(v), err == nil
}

// emitCommits emits commit_stats, which Linux has since 6.0.
func (c *btrfsCollector) emitCommits(s *btrfsFileSystem, out *metric.Sink) {
	b, err := c.sys.Read(btrfsDir, s.dir, "commit_stats")
	if !host.ReportUnlessGone(err, out.Error) {
		return
	}
	rows, err := parseBtrfsRows(b, []string{"commits", "last_commit_ms", "max_commit_ms", "total_commit_ms"}, scan.Uint)
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

// emitSpace emits the block groups of a type. It reports false if there are
// none.
func (c *btrfsCollector) emitSpace(s *btrfsFileSystem, groupType string, out *metric.Sink) bool {
	names, err := c.sys.Names(btrfsDir, s.dir, "allocation", groupType)
	if !host.ReportUnlessGone(err, out.Error) {
		return !host.Gone(err)
	}
	if v, ok := c.number(out, s.dir, "allocation", groupType, "bytes_reserved"); ok {
		out.Emit(c.reserved, v, groupType, s.uuid)
	}
	for _, mode := range names {
		if strings.Contains(mode, "_") || mode == "flags" { // a file; directories are profiles
			continue
		}
		c.emitProfile(s, groupType, mode, out)
	}
	return true
}

func (c *btrfsCollector) emitProfile(s *btrfsFileSystem, groupType, mode string, out *metric.Sink) {
	total, hasTotal := c.number(out, s.dir, "allocation", groupType, mode, "total_bytes")
	if hasTotal {
		out.Emit(c.size, total, groupType, mode, s.uuid)
	}
	used, hasUsed := c.number(out, s.dir, "allocation", groupType, mode, "used_bytes")
	if hasUsed {
		out.Emit(c.used, used, groupType, mode, s.uuid)
	}
	if ratio, ok := btrfsRatio(mode, s.members()); ok && (hasTotal || hasUsed) {
		out.Emit(c.ratio, ratio, groupType, mode, s.uuid)
	}
}

// members returns the number of devices. On older kernels it does not include
// missing devices, which are not among the block devices. It returns 0 if the number
// cannot be read.
func (s *btrfsFileSystem) members() int {
	switch {
	case s.membersUnknown:
		return 0
	case s.deviceCount > 0:
		return s.deviceCount
	}
	return len(s.devices)
}
