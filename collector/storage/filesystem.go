package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var filesystem = collect.Spec{
	Name:  "filesystem",
	Help:  "Space and inodes of mounted file systems.",
	Reads: []string{"/proc/1/mountinfo", "/proc/self/mountinfo", "/proc/mounts"},
	Needs: "Search permission on the directories above a mount point; without it the mount has a device_error.",
	Caps:  []capability.Capability{capability.DACReadSearch},
	Build: collect.With(filesystemOptions{
		mountPoints: defaultMountPoints(),
		fsTypes:     defaultFSTypes(),
		timeout:     collect.Duration(5 * time.Second),
		workers:     4,
	}, newFilesystem),
}

type filesystemOptions struct {
	mountPoints collect.Filter
	fsTypes     collect.Filter
	timeout     collect.Duration
	workers     collect.Int
}

func defaultMountPoints() collect.Filter {
	return collect.Filter{Exclude: collect.Pattern(`^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`)}
}

func defaultFSTypes() collect.Filter {
	return collect.Filter{Exclude: collect.Pattern(`^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$`)}
}

// Fields returns the options of the collector.
func (o *filesystemOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "mount-points-include", Help: "Regular expression of mount points to include (not together with mount-points-exclude).", Value: &o.mountPoints.Include},
		{Name: "mount-points-exclude", Help: "Regular expression of mount points to exclude (not together with mount-points-include).", Value: &o.mountPoints.Exclude,
			Aliases: []string{"collector.filesystem.ignored-mount-points"}},
		{Name: "fs-types-include", Help: "Regular expression of file system types to include (not together with fs-types-exclude).", Value: &o.fsTypes.Include},
		{Name: "fs-types-exclude", Help: "Regular expression of file system types to exclude (not together with fs-types-include).", Value: &o.fsTypes.Exclude,
			Aliases: []string{"collector.filesystem.ignored-fs-types"}},
		{Name: "mount-timeout", Help: "Timeout for mounts that hang, at most four fifths of the timeout of the collector.", Value: &o.timeout, Hidden: true},
		{Name: "stat-workers", Help: "Number of mounts to query at once, without those that hang.", Value: &o.workers, Hidden: true},
	}
}

// filesystemCollector reads the mounts from mountinfo, and calls statfs(2) on
// each of them. A call may never return; see mountProber.
type filesystemCollector struct {
	table  *mountTable
	prober mountProber
	now    func() time.Time

	deviceError, readOnly, forced      *metric.Family
	size, free, avail, files, fileFree *metric.Family
	info                               *metric.Family
}

func newFilesystem(env *collect.Env, o filesystemOptions) (*filesystemCollector, error) {
	err := errors.Join(o.mountPoints.Check("mount-points", defaultMountPoints()), o.fsTypes.Check("fs-types", defaultFSTypes()))
	if err != nil {
		return nil, err
	}
	if o.timeout == 0 {
		return nil, errors.New("mount-timeout: want a time span above 0")
	}
	m := env.Metrics
	gauge := func(name, help string) *metric.Family {
		return m.Gauge(name, help, "device", "device_error", "fstype", "mountpoint")
	}
	calls := env.Host.Calls.Source()
	return &filesystemCollector{
		table:  newMountTable(env.Host, calls, o.mountPoints, o.fsTypes),
		prober: mountProber{timeout: time.Duration(o.timeout), workers: max(int(o.workers), 1), calls: calls},
		now:    env.Host.Now,

		size:        gauge("node_filesystem_size_bytes", "Size of the file system in bytes, from statfs(2)."),
		free:        gauge("node_filesystem_free_bytes", "Free space of the file system in bytes, including the space reserved for root."),
		avail:       gauge("node_filesystem_avail_bytes", "Free space of the file system in bytes, without the space reserved for root."),
		files:       gauge("node_filesystem_files", "Inodes of the file system; 0 if it creates them on demand."),
		fileFree:    gauge("node_filesystem_files_free", "Free inodes of the file system."),
		readOnly:    gauge("node_filesystem_readonly", "Whether the mount or its file system is read-only."),
		forced:      m.Gauge("node_filesystem_readonly_forced", "Writable mount of a file system that is read-only, as after an error; always 1.", "device", "fstype", "mountpoint"),
		deviceError: gauge("node_filesystem_device_error", "Whether statfs(2) of the mount failed or timed out, with the error as a label."),
		info:        m.Gauge("node_filesystem_mount_info", "Device numbers of the mount; always 1.", "device", "major", "minor", "mountpoint"),
	}, nil
}

func (c *filesystemCollector) Update(ctx context.Context, out *metric.Sink) error {
	mounts, err := c.table.read(ctx, out)
	if err != nil {
		return err
	}
	c.prober.probeAll(ctx, mounts, c.now())
	for _, m := range mounts {
		c.emit(m, out)
	}
	return nil
}

func (c *filesystemCollector) emit(m *mount, out *metric.Sink) {
	if m.isForced {
		out.Emit(c.forced, 1, m.device, m.fsType, m.point)
	}
	st, err := m.result()
	if err != nil {
		out.Bool(c.readOnly, m.readOnly, m.device, err.Error(), m.fsType, m.point)
		out.Emit(c.deviceError, 1, m.device, err.Error(), m.fsType, m.point)
		if errors.Is(err, errMountTimeout) {
			out.Error(fmt.Errorf("%s: statfs has not answered since %s", m.path, m.probe.startTime.UTC().Format(time.RFC3339)))
		} else {
			out.Error(&fs.PathError{Op: "statfs", Path: m.path, Err: err})
		}
		return
	}
	if st.Blocks != unknownAmount {
		block := float64(blockSize(st))
		c.emitAmount(c.size, st.Blocks, block, m, out)
		c.emitAmount(c.free, st.Bfree, block, m, out)
		c.emitAmount(c.avail, st.Bavail, block, m, out)
	}
	if st.Files != unknownAmount {
		c.emitAmount(c.files, st.Files, 1, m, out)
	}
	if st.Ffree != unknownAmount {
		c.emitAmount(c.fileFree, st.Ffree, 1, m, out)
	}
	out.Bool(c.readOnly, m.readOnly, m.device, "", m.fsType, m.point)
	out.Emit(c.deviceError, 0, m.device, "", m.fsType, m.point)
	if m.major != "" {
		out.Emit(c.info, 1, m.device, m.major, m.minor, m.point)
	}
}

// unknownAmount is a size or a number of inodes that a file system does not know.
const unknownAmount = 1<<64 - 1

// emitAmount emits an amount, which is below zero if it is 2^63 or more: a file
// system that is filled beyond the reserve for root may have less than nothing
// available.
func (c *filesystemCollector) emitAmount(f *metric.Family, v uint64, unit float64, m *mount, out *metric.Sink) {
	out.Emit(f, float64(scan.ClampAmount64(v))*unit, m.device, "", m.fsType, m.point)
}

// blockSize returns the unit of blocks: the fragment size, or the block size
// where there is none. The block size is the best size of a request, which a file
// system of FUSE may set to more. See statvfs(3).
func blockSize(st *unix.Statfs_t) int64 {
	if st.Frsize > 0 {
		return int64(st.Frsize)
	}
	return int64(st.Bsize)
}
