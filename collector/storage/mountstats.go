package storage

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var mountstats = collect.Spec{
	Name:              "mountstats",
	Help:              "Statistics of each mounted NFS file system, from /proc/self/mountstats.",
	Reads:             []string{"/proc/self/mountinfo", "/proc/self/mountstats"},
	Caps:              []capability.Capability{capability.DACReadSearch},
	DisabledByDefault: true,
	Build:             collect.Plain(newMountstats),
}

// mountstatsCollector reads /proc/self/mountstats, where a mount of NFS has
//
//	device server:/export mounted on /mnt with fstype nfs4 statvers=1.1
//		age:	162
//		events:	1 0 0 1 1 0 5 20 0 0 0 2 2 0 2 0 0 1 0 0 20 0 0 0 0 0 0
//		bytes:	0 1310720 0 0 0 1310720 0 20
//		xprt:	tcp 0 0 2 0 38 41 41 0 44 0 3 5 1
//		per-op statistics
//		        READ: 0 0 0 0 0 0 0 0 0
//
// and /proc/self/mountinfo, which has the address of the server. The statistics
// belong to the file system: mounts with the same export, protocol and address
// have the same ones in general, and those of the first are exported. See
// nfs_show_stats in fs/nfs/super.c, rpc_clnt_show_stats in net/sunrpc/stats.c
// and print_stats of each transport in net/sunrpc/xprtsock.c and xprtrdma of the
// kernel.
type mountstatsCollector struct {
	proc     *host.Reader
	mounts   nfsMounts
	families nfsFamilies
	eachLine func([]byte) error
	out      *metric.Sink // of the current run

	line       int // number of the current line
	part       nfsPart
	stats      nfsStats
	mount      *nfsMount // after the first transport
	transports int       // of the mount

	operations map[string]*nfsOperation
	mountCount int // mounts whose operations were read, in all runs
}

// An nfsPart is a part of the lines of a mount, which are in this order.
type nfsPart int

const (
	notNFS         nfsPart = iota // or nothing of the mount is exported
	nfsHead                       // up to the first transport
	nfsServer                     // the name of the server, which may have line breaks
	nfsTransports                 // from the first transport on
	nfsOperations                 // after "per-op statistics"
	nfsMountIsDone                // after the empty line at its end
)

// An nfsOperation is the label of an operation.
type nfsOperation struct {
	label string
	mount int // the last mount that had it
}

func newMountstats(env *collect.Env) *mountstatsCollector {
	c := &mountstatsCollector{
		proc:       env.Host.Proc.Reader(),
		mounts:     newNFSMounts(env.Host.Proc.Reader().Share(mountTables()...)),
		families:   newNFSFamilies(env.Metrics),
		operations: map[string]*nfsOperation{},
	}
	c.eachLine = c.readLine
	return c
}

func (c *mountstatsCollector) Update(ctx context.Context, out *metric.Sink) error {
	if err := c.mounts.begin(ctx); err != nil {
		return collect.OrNoData(err)
	}
	c.out, c.line, c.part = out, 0, notNFS
	err := c.proc.Lines(c.eachLine, "self/mountstats")
	c.endMount()
	c.mounts.end()
	c.out = nil
	return collect.OrNoData(err)
}

// readLine reads a line of mountstats. It never returns an error, because a
// malformed line costs only what it has.
func (c *mountstatsCollector) readLine(line []byte) error {
	c.line++
	word, rest := scan.Field(line)
	if c.part == nfsServer {
		if string(word) == "caps:" {
			c.part = nfsHead
		}
		return nil
	}
	switch {
	case len(word) == 0:
		if c.part == nfsOperations {
			c.part = nfsMountIsDone
		}
	case line[0] == '\t' || line[0] == ' ':
		c.readWord(word, rest)
	default:
		c.endMount()
		c.startMount(line)
	}
	return nil
}

// startMount reads the first line of a mount.
func (c *mountstatsCollector) startMount(line []byte) {
	c.part, c.mount, c.transports = notNFS, nil, 0
	d, ok := parseNFSDevice(line)
	switch {
	case !ok:
		c.report("a device with its mount point", line)
	case d.version != nil:
		c.part = nfsHead
		c.stats = nfsStats{device: d}
		c.mounts.setDevice(&c.stats.device)
	}
}

// endMount reports a mount that lacks a transport, whose protocol is a label of
// all samples.
func (c *mountstatsCollector) endMount() {
	if c.part == nfsHead || c.part == nfsServer {
		c.report("a line xprt", nil)
	}
	c.part = notNFS
}

// readWord reads a line that starts with a word.
func (c *mountstatsCollector) readWord(word, rest []byte) {
	switch c.part {
	case nfsHead:
		switch string(word) {
		case "impl_id:":
			c.part = nfsServer
		case "age:":
			c.reportUnless(c.stats.setAge(rest), "seconds", rest)
		case "events:":
			c.reportUnless(c.stats.setEvents(rest), "25 events or more", rest)
		case "bytes:":
			c.reportUnless(c.stats.setBytes(rest), "eight numbers of bytes and pages", rest)
		case "xprt:":
			c.readTransport(rest)
		}
	case nfsTransports:
		switch string(word) {
		case "xprt:":
			c.readTransport(rest)
		case "per-op":
			c.part = nfsOperations
			c.mountCount++
		}
	case nfsOperations:
		c.readOperation(word, rest)
	}
}

func (c *mountstatsCollector) reportUnless(ok bool, want string, have []byte) {
	if !ok {
		c.report(want, have)
	}
}

func (c *mountstatsCollector) report(want string, have []byte) {
	c.out.Error(c.proc.At(host.Bad(c.line, want, have)))
}

// readTransport reads a line xprt. The first one has the protocol that is a label
// of the mount.
func (c *mountstatsCollector) readTransport(rest []byte) {
	protocol, numbers := scan.Field(rest)
	if len(protocol) == 0 {
		c.report("a protocol", rest)
		return
	}
	if c.part == nfsHead {
		m, isNew, err := c.mounts.find(&c.stats.device, protocol)
		if err != nil {
			c.out.Error(err)
			c.part = notNFS
			return
		}
		if isNew {
			c.out.Emit(c.families.mountPoint, 1, m.export, m.address, m.point, m.protocol)
		}
		if c.part = nfsTransports; !c.mounts.takeFileSystem(m) {
			c.part = notNFS // another mount has the same statistics
			return
		}
		c.mount = m
		c.families.emitStats(&c.stats, m, c.out)
	}
	t, ok := parseNFSTransport(protocol, numbers, string(c.stats.device.version) == "1.0")
	if ok {
		c.families.emitTransport(t, c.mounts.label(protocol), c.mounts.number(c.transports), c.mount, c.out)
	} else {
		c.report("a transport with its numbers", rest)
	}
	c.transports++
}

// readOperation reads the line of an operation.
func (c *mountstatsCollector) readOperation(word, rest []byte) {
	var numbers [nfsOperationNumbers]uint64
	name, ok := cutColon(word)
	if !ok || !setNumbers(numbers[:], rest) {
		c.report("an operation with eight numbers", rest)
		return
	}
	o := c.operations[string(name)]
	if o == nil {
		o = &nfsOperation{label: string(name)}
		c.operations[o.label] = o
	}
	if o.mount == c.mountCount {
		c.report("one line for each operation", word)
		return
	}
	o.mount = c.mountCount
	c.families.emitOperation(&numbers, o.label, c.mount, c.out)
}

// cutColon cuts the colon off a word.
func cutColon(word []byte) (name []byte, ok bool) {
	if n := len(word); n > 1 && word[n-1] == ':' {
		return word[:n-1], true
	}
	return word, false
}
