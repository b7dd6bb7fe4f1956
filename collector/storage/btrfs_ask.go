package storage

import (
	"bytes"
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

// A btrfsProber asks all btrfs file systems that are mounted for their
// devices, at the same time. One that does not answer is left alone until it
// does, and nobody waits for it again.
type btrfsProber struct {
	call    func(mountPoint string, withErrors bool) (host.Btrfs, error)
	proc    *host.Reader
	root    host.Tree
	probes  map[string]*btrfsProbe // by device number
	order   []*btrfsProbe          // those that are mounted, as in the mount table
	answers []host.Btrfs
}

// A btrfsProbe asks one file system. A btrfs has a device number of its own,
// the same for all its mounts and subvolumes, and whatever its devices are.
type btrfsProbe struct {
	points  []string // where it is mounted at this moment
	flight  flight.Flight[host.Btrfs]
	run     *flight.Run[host.Btrfs]
	started bool // whether run began in this scrape
}

// btrfsPatience is how long to wait for file systems that do not answer, all
// in all and once. The call reads nothing from a device, but may have to wait
// for a lock that is held while a transaction is committed.
const btrfsPatience = 2 * time.Second

// ask returns what the file systems said that answered, and whether there are
// some that did not.
func (p *btrfsProber) ask(ctx context.Context, withErrors bool, out *metric.Sink) (answers []host.Btrfs, late bool) {
	if p.call == nil {
		return nil, false
	}
	p.readMounts(out)
	patience := btrfsPatience
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		patience = min(patience, left-left/5)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, probe := range p.order {
		probe.begin(p.call, p.root, withErrors)
	}
	clear(p.answers)
	p.answers = p.answers[:0]
	for _, probe := range p.order {
		fs, ok, err := probe.wait(ctx)
		switch {
		case !ok:
			late = true
			out.Error(fmt.Errorf("%s: btrfs has not answered since %s", p.root.Path(probe.points[0]), probe.run.StartTime.UTC().Format(time.RFC3339)))
		case err == nil:
			p.answers = append(p.answers, fs)
		case !host.Gone(err) && !errors.Is(err, syscall.ENOTTY): // gone: unmounted, or below another mount
			out.Error(err)
		}
	}
	return p.answers, late
}

// begin asks the file system at the first of its mount points that can be
// opened.
func (probe *btrfsProbe) begin(call func(string, bool) (host.Btrfs, error), root host.Tree, withErrors bool) {
	points := slices.Clone(probe.points) // the run may go on while they change
	probe.run, probe.started = probe.flight.Go(func() (fs host.Btrfs, err error) {
		for _, point := range points {
			var e error
			if fs, e = call(root.Path(point), withErrors); e == nil {
				return fs, nil
			}
			if err == nil {
				err = e
			}
		}
		return fs, err
	})
}

// wait returns the answer, if it comes in time. Nobody waits for one that was
// late before.
func (probe *btrfsProbe) wait(ctx context.Context) (fs host.Btrfs, ok bool, err error) {
	deadline, _ := ctx.Deadline()
	if !probe.started {
		deadline = probe.run.StartTime
	}
	if !probe.run.Wait(ctx, deadline) {
		return fs, false, nil
	}
	fs, err = probe.run.Result()
	return fs, true, err
}

// readMounts fills in where which btrfs is mounted, in the view of process 1,
// or in this one's if that may not be seen.
func (p *btrfsProber) readMounts(out *metric.Sink) {
	p.unmount()
	b, err := p.proc.Read("1/mountinfo")
	if err != nil {
		own, ownErr := p.proc.Read("self/mountinfo")
		if b = own; ownErr != nil && !host.Gone(err) {
			out.Error(err)
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
		p.mounted(string(mount.major)+":"+string(mount.minor), mount.point)
	}
	if !isTable {
		out.Error(p.proc.At(host.Bad(1, errMountInfo.Error(), b)))
	}
	p.forget()
}

func (p *btrfsProber) mounted(device string, escaped []byte) {
	probe := p.probes[device]
	if probe == nil {
		probe = &btrfsProbe{}
		p.probes[device] = probe
	}
	if len(probe.points) == 0 {
		p.order = append(p.order, probe)
	}
	point, _ := unescapeMount(escaped)
	probe.points = append(probe.points, point)
}

func (p *btrfsProber) unmount() {
	p.order = p.order[:0]
	for _, probe := range p.probes {
		probe.points = probe.points[:0]
	}
}

// forget drops file systems that are not mounted, but for those that a call
// still hangs in: there is never more than one in each.
func (p *btrfsProber) forget() {
	for device, probe := range p.probes {
		if len(probe.points) == 0 && probe.flight.Current() == nil {
			delete(p.probes, device)
		}
	}
}
