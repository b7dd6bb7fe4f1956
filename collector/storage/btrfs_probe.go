package storage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A btrfsProber queries all mounted btrfs file systems for their devices, at
// the same time. It does not query a file system again before that answers, and
// waits for an answer in one scrape only.
type btrfsProber struct {
	ioctl         func(mountPoint string, withErrors bool) (host.Btrfs, error)
	calls         *flight.Source // of places for the ioctls
	proc          *host.Reader
	root          host.Tree
	probes        map[string]*btrfsProbe // by device number
	mountedProbes []*btrfsProbe          // in the order of the mount table
	answers       []host.Btrfs
}

// A btrfsProbe queries one file system. A btrfs has a device number of its own,
// which is the same for all its mounts and subvolumes.
type btrfsProbe struct {
	mountPoints []string // in the current mount table
	flight      flight.Flight[host.Btrfs]
	run         *flight.Run[host.Btrfs]
	isNew       bool // whether this scrape started run
}

// btrfsTimeout is how long to wait for the answers of all file systems. The
// ioctls read nothing from a device, but wait for a lock that the file system
// holds while it commits a transaction.
const btrfsTimeout = 2 * time.Second

// query returns the answers of the file systems. answerMissing reports whether
// an answer is missing.
func (p *btrfsProber) query(ctx context.Context, withErrors bool, out *metric.Sink) (answers []host.Btrfs, answerMissing bool) {
	if p.ioctl == nil {
		return nil, false
	}
	p.proc.BeginRun(ctx)
	p.readMounts(out)
	deadline := flight.Deadline(ctx, btrfsTimeout)
	for _, probe := range p.mountedProbes {
		probe.start(p.ioctl, p.root, withErrors)
	}
	clear(p.answers)
	p.answers = p.answers[:0]
	for _, probe := range p.mountedProbes {
		if !probe.wait(ctx, deadline) {
			answerMissing = true
			late := fmt.Errorf("btrfs has not answered since %s", probe.run.StartTime.UTC().Format(time.RFC3339))
			out.Error(fmt.Errorf("%s: %w", p.root.Path(probe.mountPoints[0]), probe.run.Unfinished(late)))
			continue
		}
		fs, err := probe.run.Result()
		switch {
		case err == nil:
			p.answers = append(p.answers, fs)
		case !host.Gone(err) && !errors.Is(err, syscall.ENOTTY): // else unmounted, or hidden by another mount
			out.Error(err)
		}
	}
	return p.answers, answerMissing
}

// start queries the file system at the first of its mount points that can be
// opened, unless a query is in progress.
func (probe *btrfsProbe) start(ioctl func(string, bool) (host.Btrfs, error), root host.Tree, withErrors bool) {
	mountPoints := slices.Clone(probe.mountPoints) // the run may outlast this scrape
	probe.run, probe.isNew = probe.flight.Go(func() (fs host.Btrfs, first error) {
		for _, point := range mountPoints {
			var err error
			if fs, err = ioctl(root.Path(point), withErrors); err == nil {
				return fs, nil
			}
			first = cmp.Or(first, err)
		}
		return fs, first
	})
}

// wait waits for the answer until the deadline, and reports whether it came. It
// does not wait for a query of an earlier scrape.
func (probe *btrfsProbe) wait(ctx context.Context, deadline time.Time) bool {
	if !probe.isNew {
		deadline = probe.run.StartTime
	}
	return probe.run.Wait(ctx, deadline)
}

// readMounts reads the mounted btrfs file systems from the mount table of
// process 1, or from that of the own process if that of process 1 is
// unreadable.
func (p *btrfsProber) readMounts(out *metric.Sink) {
	p.clearMounts()
	b, err := p.proc.Read("1/mountinfo")
	if err != nil {
		var ownErr error
		if b, ownErr = p.proc.Read("self/mountinfo"); ownErr != nil {
			host.ReportUnlessGone(err, out.Error)
		}
	}
	isTable := len(b) == 0
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		isTable = isTable || bytes.Contains(line, []byte(" - "))
		if !bytes.Contains(line, []byte(" - btrfs ")) {
			continue
		}
		mount, err := parseMountInfo(line)
		if err != nil {
			out.Error(p.proc.At(host.Bad(n, err.Error(), line)))
			continue
		}
		p.addMount(string(mount.major)+":"+string(mount.minor), mount.point)
	}
	if !isTable {
		out.Error(p.proc.At(host.Bad(1, errMountInfo.Error(), b)))
	}
	p.dropUnmounted()
}

func (p *btrfsProber) addMount(device string, escaped []byte) {
	probe := p.probes[device]
	if probe == nil {
		probe = &btrfsProbe{flight: flight.Flight[host.Btrfs]{Source: p.calls}}
		p.probes[device] = probe
	}
	if len(probe.mountPoints) == 0 {
		p.mountedProbes = append(p.mountedProbes, probe)
	}
	probe.mountPoints = append(probe.mountPoints, unescapeMount(escaped))
}

func (p *btrfsProber) clearMounts() {
	p.mountedProbes = p.mountedProbes[:0]
	for _, probe := range p.probes {
		probe.mountPoints = probe.mountPoints[:0]
	}
}

// dropUnmounted drops the probes of file systems that are not mounted. It keeps
// those with a query in progress, so that a file system never has two of them.
func (p *btrfsProber) dropUnmounted() {
	for device, probe := range p.probes {
		if len(probe.mountPoints) == 0 && probe.flight.Current() == nil {
			delete(p.probes, device)
		}
	}
}
