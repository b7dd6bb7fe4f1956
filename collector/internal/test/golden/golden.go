// Package golden tests collectors on recorded hosts. A case is two files: what
// the host looks like (.host) and what is to be served (.prom). No Go is written
// for a case.
//
// # The .host format
//
// Plain text. The first lines describe the host in a sentence or two. Settings
// follow, then sections:
//
//	A virtual machine with two disks; dm-0 vanished while it was read.
//	option device-exclude = ^loop
//	clock = 2026-01-02T03:04:05Z
//	-- proc/diskstats --
//	 8 0 sda 1 2 3
//	-- sys/class/net/eth0 -> ../../devices/virtual/net/eth0 --
//	-- sys/block/sda/size !EIO --
//	-- @2 proc/diskstats --
//	 8 0 sda 2 3 4
//
// Settings are option NAME = VALUE (of the collector, may be repeated), clock,
// arch, page-size and timeout. A snapshot also has option COLLECTOR/NAME, collectors,
// version and identity, and with "ends with" a last line by which a file that was cut off is
// found. A path or target with odd bytes is in Go's quotes. The file may be compressed. What follows a path is the kind of the entry:
// -> TARGET a symbolic link, !ERRNO a file that fails to read, "folder" an empty
// folder, "unread" a folder with names, one in a line, of which nothing else is known, "fifo" a pipe without a writer (opening it blocks), "deleted" an entry
// that is gone at that moment, "escaped" a file in Go's escapes (\x00, \n) whose
// line breaks do not count, "mode 0400" a file with that mode, "mtime
// 2026-01-02T03:04:05Z" a file that was written then rather than at the time of
// the host's clock; the last three may follow one another in this order. @2
// sections change the host for a second reading, whose result is in a second
// .prom file.
//
// Paths below syscall/ are answers to system calls: uname and adjtimex hold
// name=value lines, statfs a line for each mount point, btrfs a line for each
// device, device-mapper two lines for each map, multipathd the answer on its
// socket, dbus and systemd-private replies of services in the words of busctl (see
// dialBus of package snapshot), perf a line for each counter, ethtool/DEVICE a line for each fact about
// a network device, and netlink/PROTOCOL/TYPE a line of hexadecimal digits for
// each message. The answers to requests that begin with certain bytes after the
// nlmsghdr are in netlink/PROTOCOL/TYPE/BYTES. With !ERRNO, uname, adjtimex,
// ethtool, netlink and connections to dbus and systemd-private fail.
package golden

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

var update = flag.Bool("update", false, "write the .prom files instead of comparing with them")

// Run tests the collectors on all cases in dir, such as
// dir/diskstats.host or dir/diskstats.no-partitions.host. Of each case it
// checks that
//
//   - the text of the fast road is what the .prom file says, twice in a row,
//   - the ordinary road gives the same, through a pedantic registry,
//   - new names pass promlint,
//   - no broken variant of an input makes the collector panic, or passes
//     without an error; with -short, one variant in eight is tried,
//   - the data sheet lists the files that the collector opens.
func Run(t *testing.T, dir string, specs []collect.Spec) {
	inherited := Inherited(t)
	variants := everyVariant
	if testing.Short() {
		variants = oneInEight
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.host"))
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			cases := 0
			for _, file := range files {
				if name, _, _ := strings.Cut(filepath.Base(file), "."); name != spec.Name {
					continue
				}
				cases++
				t.Run(strings.TrimSuffix(filepath.Base(file), ".host"), func(t *testing.T) {
					t.Parallel()
					runCase(t, spec, file, inherited, variants)
				})
			}
			if cases == 0 {
				t.Errorf("no case for collector %s: want %s", spec.Name, filepath.Join(dir, spec.Name+".host"))
			}
		})
	}
}

func runCase(t testing.TB, spec collect.Spec, file string, inherited map[string]Contract, chosen sample) {
	a := parseFile(t, file)
	if strings.TrimSpace(a.Description) == "" {
		t.Errorf("%s: want a description of the host in the first lines", file)
	}
	rec, err := layOut(a, TempDir(t))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	u := rec.unit(t, spec)
	for moment := 1; moment <= lastMoment(a); moment++ {
		golden := strings.TrimSuffix(file, ".host") + ".prom"
		if moment > 1 {
			golden = strings.TrimSuffix(file, ".host") + fmt.Sprintf("@%d.prom", moment)
			if err := rec.moment(moment); err != nil {
				t.Fatal(err)
			}
		}
		text := rec.read(t, u)
		Compare(t, golden, text)
		if again := rec.read(t, u); again != text {
			t.Errorf("a second reading of the same host differs:\n%s", diff(text, again))
		}
		rec.compareRoads(t, u, text)
		lint(t, text, inherited)
		checkContract(t, u, spec, inherited)
		if lastMoment(a) == 1 {
			rec.breakInputs(t, spec, chosen, rec.read(t, u))
		}
		rec.checkReads(t, spec)
	}
}

// TempDir returns a folder that is removed at the end of the test. It is in
// memory if there is room, because a recorded host has thousands of files. The
// trees of benchmarks are larger; they are on disk.
func TempDir(t testing.TB) string {
	t.Helper()
	const memory, room = "/dev/shm", 1 << 30
	var st unix.Statfs_t
	if _, ok := t.(*testing.B); ok || unix.Statfs(memory, &st) != nil || st.Bavail*uint64(st.Bsize) < room {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "host_exporter")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func parseFile(t testing.TB, file string) *Archive {
	t.Helper()
	a, err := snapshot.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Load lays a recorded host out below root, for tests of a whole exporter.
func Load(t testing.TB, file, root string) *host.Host {
	t.Helper()
	h, _, err := Open(file, root)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Open is Load for tools. It also returns the options of the collector.
func Open(file, root string) (*host.Host, map[string][]string, error) {
	a, err := snapshot.Load(file)
	if err != nil {
		return nil, nil, err
	}
	r, err := layOut(a, root)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return r.Host, a.Options(""), nil
}

func lastMoment(a *Archive) int {
	last := 1
	for _, e := range a.Entries {
		last = max(last, e.Moment)
	}
	return last
}

func (r *recordedHost) unit(t testing.TB, spec collect.Spec) *collect.Unit {
	t.Helper()
	fresh := *r.Host // or the unit would share what others have kept for the host
	u, err := collect.NewUnit(r.withTimeout(spec), &fresh, log.NewNopLogger(), notReserved, r.archive.Options(spec.Name))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// NewUnit returns a collector with default options on a host without files.
func NewUnit(t testing.TB, spec collect.Spec) *collect.Unit {
	t.Helper()
	dir := t.TempDir()
	h := host.Live(host.Paths{Procfs: dir, Sysfs: dir, Rootfs: dir, UdevData: dir})
	u, err := collect.NewUnit(spec, h, log.NewNopLogger(), notReserved, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// read makes one reading on the fast road. It returns the text, and behind it
// the state and the error as comments.
func (r *recordedHost) read(t testing.TB, u *collect.Unit) string {
	t.Helper()
	reading := u.Begin(metric.Text)
	result, ok := reading.Wait(context.Background(), time.Now().Add(time.Minute))
	if !ok {
		result = reading.Abandon()
	}
	var b []byte
	if result.State != collect.Timeout {
		b = bytes.ReplaceAll(u.AppendText(nil, nil), []byte(r.root), nil) // a label may hold a path
	}
	b = fmt.Appendf(b, "# state: %s\n", result.State)
	if err := u.Status().Err; err != nil && result.State != collect.Timeout {
		b = fmt.Appendf(b, errorLead+"%s\n", metric.Printable(strings.ReplaceAll(err.Error(), r.root, "")))
	}
	return string(b)
}

// errorLead stands before the error in what read returns.
const errorLead = "# error: "

// Compare compares a text with a golden file. With -update it writes the file
// instead.
func Compare(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s (- want, + have; go test -update accepts it):\n%s", file, diff(string(want), got))
	}
}

// diff returns the lines that only one of two texts has.
func diff(want, have string) string {
	var b strings.Builder
	a, z := strings.SplitAfter(want, "\n"), strings.SplitAfter(have, "\n")
	inA, inZ := map[string]int{}, map[string]int{}
	for _, l := range a {
		inA[l]++
	}
	for _, l := range z {
		inZ[l]++
	}
	for _, l := range a {
		if inZ[l]--; inZ[l] < 0 {
			b.WriteString("- " + l)
		}
	}
	for _, l := range z {
		if inA[l]--; inA[l] < 0 {
			b.WriteString("+ " + l)
		}
	}
	if b.Len() == 0 {
		return "the same lines in another order\n"
	}
	return b.String()
}

// compareRoads gathers the unit through a pedantic registry, and compares the
// result with the text of the fast road.
func (r *recordedHost) compareRoads(t testing.TB, u *collect.Unit, text string) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(u); err != nil {
		t.Errorf("registering: %v", err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Errorf("gathering: %v", err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the text of the fast road does not parse: %v", err)
	}
	fast, ordinary := canonical(slices.Collect(maps.Values(parsed))), strings.ReplaceAll(canonical(families), r.root, "")
	if fast != ordinary {
		t.Errorf("the roads differ (- fast, + ordinary):\n%s", diff(fast, ordinary))
	}
}

// canonical writes families in one order.
func canonical(families []*dto.MetricFamily) string {
	var lines []string
	for _, f := range families {
		for _, m := range f.GetMetric() { // client_golang sorts labels, the parser does not
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
		var b bytes.Buffer
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			return err.Error()
		}
		lines = append(lines, strings.SplitAfter(b.String(), "\n")...)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// lint reports what promlint finds, except on inherited names.
func lint(t testing.TB, text string, inherited map[string]Contract) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Errorf("promlint: %v", err)
	}
	for _, p := range problems {
		// The speed of a link is known in bits: 32 Gbit, not 4 gigabytes a second.
		if strings.HasSuffix(p.Metric, "_bits_per_second") && strings.Contains(p.Text, `"bits"`) {
			continue
		}
		if _, ok := inherited[p.Metric]; !ok && !InheritedKind(p.Metric) {
			t.Errorf("promlint: %s: %s", p.Metric, p.Text)
		}
	}
}
