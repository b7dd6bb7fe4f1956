package multipath

import (
	"context"
	"encoding/binary"
	"io"
	"math/bits"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A bench has the maps of a recorded host: mpatha (sda and sdb), mpathb (sdc and
// sdd), mpathc (vdb) and mpathd (sde). A test stands in for the kernel and for
// multipathd. All devices sd* are paths that run; vdb is of no known kind.
type bench struct {
	testing.TB
	host  *host.Host
	block host.Listing
	attr.Reader
	maps *Maps
	kind *kind
}

func newBench(t testing.TB, recorded string) *bench {
	t.Helper()
	h := golden.Load(t, "../../../../testdata/hba/"+recorded+".host", t.TempDir())
	h.DeviceMapper = nil
	h.Now = time.Now
	return &bench{TB: t, host: h}
}

// A kind is a kind of devices in tests, which have identifiers if they are listed.
type kind struct {
	path  func(name string) (san.Path, bool)
	wwids map[string]string
	disks map[string]string // those that are also disks of the host
}

func (k *kind) Path(_ attr.Reader, block host.DirEntry) (san.Path, bool) { return k.path(block.Name) }

func (k *kind) WWID(_ attr.Reader, block string) (string, bool) {
	wwid, ok := k.wwids[block]
	return wwid, ok
}

func (k *kind) EachDisk(fn func(name, wwid string)) {
	for name, wwid := range k.disks {
		fn(name, wwid)
	}
}

func (k *kind) Generation() uint64 { return uint64(len(k.disks)) }

func sd(name string) (san.Path, bool) {
	return san.Path{StateKnown: true, Health: san.PathOptimized}, strings.HasPrefix(name, "sd")
}

// build builds the maps on what the host is now.
func (b *bench) build(o Options) {
	set := metric.NewSet()
	b.Reader = attr.Reader{Sys: b.host.Sys.Reader(), Out: metric.NewSink(set)}
	b.maps = New(&collect.Env{Host: b.host, Metrics: set, Log: log.NewNopLogger()}, o)
	b.kind = &kind{path: sd}
	b.maps.AddKinds(b.kind)
}

// withSource returns the default options with a source.
func withSource(source string) Options {
	o := DefaultOptions()
	o.source = collect.String(source)
	return o
}

// file creates an empty file of the host.
func (b *bench) file(name string) {
	b.Helper()
	path := b.host.Root.Path(name)
	testfile.Write(b, path, "")
}

// daemon has multipathd run, with what it does with a query.
func (b *bench) daemon(serve func(query string, conn net.Conn)) {
	b.Helper()
	b.file("run/multipathd.pid")
	b.host.Dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = theirs.Close() }()
			head := make([]byte, bits.UintSize/8)
			if _, err := io.ReadFull(theirs, head); err != nil {
				return
			}
			query := make([]byte, sizeOf(head))
			if _, err := io.ReadFull(theirs, query); err == nil {
				serve(strings.TrimSuffix(string(query), "\x00"), theirs)
			}
		}()
		return ours, nil
	}
}

func sizeOf(head []byte) uint64 {
	if len(head) == 4 {
		return uint64(binary.NativeEndian.Uint32(head))
	}
	return binary.NativeEndian.Uint64(head)
}

func reply(conn net.Conn, text string) {
	b := make([]byte, bits.UintSize/8)
	if len(b) == 4 {
		binary.NativeEndian.PutUint32(b, uint32(len(text)+1))
	} else {
		binary.NativeEndian.PutUint64(b, uint64(len(text)+1))
	}
	_, _ = conn.Write(append(append(b, text...), 0))
}

// read reads the host once.
func (b *bench) read() {
	b.Out.Reset(metric.Text)
	b.List(&b.block, "block")
	b.maps.Find(b.Reader, b.block.Entries)
	b.maps.Update(context.Background(), b.Reader)
}

// update reads the host once. It returns the samples by series, and the errors.
func (b *bench) update() (samples map[string]string, errs []error) {
	b.read()
	samples = map[string]string{}
	for line := range strings.Lines(string(b.Out.AppendText(nil, nil, func(string) bool { return false }))) {
		if line[0] != '#' {
			i := strings.LastIndexByte(line, ' ')
			samples[strings.TrimPrefix(line[:i], "node_hba_")] = strings.TrimSpace(line[i:])
		}
	}
	errs, _ = b.Out.Errors()
	return samples, errs
}

// want compares some samples; one that must not be there has an empty value.
func (b *bench) want(when string, samples map[string]string, want ...string) {
	b.Helper()
	for _, w := range want {
		series, value, _ := strings.Cut(w, "=> ")
		series = strings.TrimSpace(series)
		if have := samples[series]; have != value {
			b.Errorf("%s: %s is %q, want %q", when, series, have, value)
		}
	}
}

// count returns how many samples a family has.
func count(samples map[string]string, family string) (n int) {
	for series := range samples {
		if name, _, _ := strings.Cut(series, "{"); name == family {
			n++
		}
	}
	return n
}

const daemonMaps = `{"major_version":0,"minor_version":1,"maps":[
{"name":"mpatha","sysfs":"dm-0","queueing":"on","path_faults":3,"switch_grp":4,"map_loads":2,"total_q_time":60,"q_timeouts":1,"path_groups":[
 {"dm_st":"active","group":1,"paths":[{"dev":"sda","dm_st":"active","chk_st":"ready","pri":50,"marginal_st":"normal"}]},
 {"dm_st":"enabled","group":2,"paths":[{"dev":"sdb","dm_st":"failed","chk_st":"i/o timeout","pri":-1,"marginal_st":"marginal"}]}]},
{"name":"mpathb","sysfs":"dm-1","queueing":"off","path_faults":0,"path_groups":[
 {"dm_st":"undef","group":1,"paths":[{"dev":"sdc","dm_st":"undef","chk_st":"sleepy","pri":10},{"dev":"sdd","dm_st":"active","chk_st":"ghost","pri":1,"marginal_st":"marginal"}]}]},
{"name":"gone","sysfs":"dm-9","queueing":"off","path_faults":9}]}`

// answer answers a query as multipathd does.
func answer(query string, conn net.Conn) {
	switch query {
	case "list maps json":
		reply(conn, daemonMaps)
	case "show daemon":
		reply(conn, "pid 42 running\n")
	default:
		reply(conn, "fail\n")
	}
}

// kernelWithFailedPath is a kernel that failed sdb, of number 8:16.
func kernelWithFailedPath(_ string, table bool) ([]host.Target, error) {
	text := "2 0 0 0 1 1 A 0 2 0 8:0 A 0 8:16 F 2 "
	if table {
		text = "0 0 1 1 round-robin 0 2 1 8:0 1 8:16 1 "
	}
	return []host.Target{{Length: 8, Type: "multipath", Text: text}}, nil
}
