package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A mountHost is a host whose mounts hang and answer as a test wants.
type mountHost struct {
	testing.TB
	root string
	c    *filesystemCollector
	set  *metric.Set
	out  *metric.Sink

	mu    sync.Mutex
	hang  map[string]chan struct{} // closed to let statfs of a path go on
	calls map[string]int
	out0  atomic.Int32 // calls in progress
}

func newMountHost(t testing.TB, h *host.Host, o filesystemOptions) *mountHost {
	t.Helper()
	m := &mountHost{TB: t, root: t.TempDir(), set: metric.NewSet(), hang: map[string]chan struct{}{}, calls: map[string]int{}}
	if h == nil {
		h = &host.Host{Root: host.NewTree("/"), Statfs: m.statfs}
	}
	h.Proc, h.Now = host.NewTree(m.root), time.Now
	if h.Statfs == nil {
		h.Statfs = m.statfs
	}
	if o.timeout == 0 {
		o.timeout = collect.Duration(5 * time.Second)
	}
	if o.workers == 0 {
		o.workers = 4
	}
	c, err := newFilesystem(&collect.Env{Host: h, Metrics: m.set, Log: log.NewNopLogger()}, o)
	if err != nil {
		t.Fatal(err)
	}
	m.c, m.out = c, metric.NewSink(m.set)
	return m
}

func (m *mountHost) statfs(path string) (unix.Statfs_t, error) {
	m.out0.Add(1)
	defer m.out0.Add(-1)
	m.mu.Lock()
	m.calls[path]++
	wait := m.hang[path]
	m.mu.Unlock()
	if wait != nil {
		<-wait
	}
	return unix.Statfs_t{Bsize: 1, Blocks: 7}, nil
}

func (m *mountHost) hangAt(paths ...string) chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	release := make(chan struct{})
	for _, p := range paths {
		m.hang[p] = release
	}
	return release
}

func (m *mountHost) free(paths ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range paths {
		delete(m.hang, p)
	}
}

func (m *mountHost) callsTo(path string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[path]
}

// mounts writes mountinfo. A mount is its path, or its path and its ID.
func (m *mountHost) mounts(paths ...string) {
	m.Helper()
	var b strings.Builder
	for i, p := range paths {
		id := 100 + i
		if at := strings.IndexByte(p, '#'); at >= 0 {
			id, _ = strconv.Atoi(p[at+1:])
			p = p[:at]
		}
		fmt.Fprintf(&b, "%d 1 8:%d / %s rw - ext4 /dev/sda rw\n", id, i, p)
	}
	if err := os.MkdirAll(filepath.Join(m.root, "1"), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.root, "1/mountinfo"), []byte(b.String()), 0o644); err != nil {
		m.Fatal(err)
	}
}

// update reads once, as a unit with the usual deadline does. It returns the
// mount points that answered, those that did not, and how long it took.
func (m *mountHost) update() (good, hung []string, took time.Duration) {
	m.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), collect.DefaultTimeout)
	defer cancel()
	m.out.Reset(metric.Text)
	start := time.Now()
	if err := m.c.Update(ctx, m.out); err != nil {
		m.Fatal(err)
	}
	took = time.Since(start)
	if ctx.Err() != nil {
		m.Error("the collector is late")
	}
	text := string(m.out.AppendText(nil, nil, nil))
	for line := range strings.Lines(text) {
		_, point, ok := strings.Cut(line, `mountpoint="`)
		point, _, _ = strings.Cut(point, `"`)
		switch {
		case ok && strings.HasPrefix(line, "node_filesystem_size_bytes{") && strings.HasSuffix(line, " 7\n"):
			good = append(good, point)
		case ok && strings.HasPrefix(line, "node_filesystem_device_error{") && strings.Contains(line, `device_error="mountpoint timeout"`) && strings.HasSuffix(line, " 1\n"):
			hung = append(hung, point)
		}
	}
	if errs, more := m.out.Errors(); len(errs)+more != len(hung) {
		m.Errorf("%d mounts hang, and %d errors are told: %v", len(hung), len(errs)+more, errs)
	}
	return good, hung, took
}

func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i)
	}
	return names
}

func interleave(a, b []string) []string {
	var all []string
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			all = append(all, a[i])
		}
		if i < len(b) {
			all = append(all, b[i])
		}
	}
	return all
}

func TestHungMountsCostOneWait(t *testing.T) {
	for _, hanging := range []int{1, 4, 30, 900} {
		t.Run(strconv.Itoa(hanging), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMountHost(t, nil, filesystemOptions{})
				bad, fine := numbered("/bad", hanging), numbered("/good", 100)
				m.mounts(interleave(bad, fine)...)
				release := m.hangAt(bad...)

				good, hung, took := m.update()
				if len(good) != 100 || len(hung) != hanging {
					t.Errorf("at first: %d good, %d hung", len(good), len(hung))
				}
				if took != 4*time.Second {
					t.Errorf("the first reading took %v", took)
				}
				goroutines := runtime.NumGoroutine()
				for range 100 {
					good, hung, took = m.update()
					if len(good) != 100 || len(hung) != hanging || took != 0 {
						t.Fatalf("later: %d good, %d hung, %v", len(good), len(hung), took)
					}
				}
				if n := runtime.NumGoroutine(); n > goroutines+2 { // other tests have theirs
					t.Errorf("%d goroutines, then %d", goroutines, n)
				}
				if n := int(m.out0.Load()); n != hanging {
					t.Errorf("%d calls are out, want %d", n, hanging)
				}

				m.free(bad...)
				close(release)
				synctest.Wait()
				good, hung, took = m.update()
				if len(good) != 100+hanging || len(hung) != 0 || took != 0 {
					t.Errorf("after all: %d good, %d hung, %v", len(good), len(hung), took)
				}
				if n := m.callsTo("/bad0"); n != 2 {
					t.Errorf("a mount that hung was asked %d times, want 2", n)
				}
			})
		})
	}
}

func TestAMountThatHangsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{timeout: collect.Duration(time.Second)})
		m.mounts("/", "/nas")
		for range 3 {
			release := m.hangAt("/nas")
			if _, hung, took := m.update(); len(hung) != 1 || took != time.Second {
				t.Errorf("%d hung, %v", len(hung), took)
			}
			if _, hung, took := m.update(); len(hung) != 1 || took != 0 {
				t.Errorf("%d hung, %v", len(hung), took)
			}
			m.free("/nas")
			close(release)
			synctest.Wait()
			if good, hung, took := m.update(); len(good) != 2 || len(hung) != 0 || took != 0 {
				t.Errorf("%d good, %d hung, %v", len(good), len(hung), took)
			}
		}
	})
}

// TestASlowMount answers after a second: late for its turn, but in time.
func TestASlowMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{workers: 1})
		m.mounts(interleave(numbered("/slow", 10), numbered("/good", 10))...)
		release := m.hangAt(numbered("/slow", 10)...)
		time.AfterFunc(time.Second, func() { close(release) })
		if good, hung, took := m.update(); len(good) != 20 || len(hung) != 0 || took != time.Second {
			t.Errorf("%d good, %d hung, %v", len(good), len(hung), took)
		}
	})
}

// TestRemount replaces a mount that hangs by another at the same place, as an
// administrator does when a server is gone for good.
func TestRemount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{})
		m.mounts("/#1", "/nas#2")
		release := m.hangAt("/nas")
		m.update()
		m.free("/nas")
		m.mounts("/#1", "/nas#3")
		if good, hung, took := m.update(); len(good) != 2 || len(hung) != 0 || took != 0 {
			t.Errorf("with a new mount: %d good, %d hung, %v", len(good), len(hung), took)
		}
		if n := len(m.c.table.probes); n != 3 {
			t.Errorf("%d probes, want that of the old mount kept while it hangs", n)
		}
		m.mounts("/#1")
		m.update()
		if n := len(m.c.table.probes); n != 2 {
			t.Errorf("%d probes, want 2", n)
		}
		close(release)
		synctest.Wait()
		m.update()
		if n := len(m.c.table.probes); n != 1 {
			t.Errorf("%d probes are left, want 1", n)
		}
	})
}

// TestThreadsAreBounded hangs more mounts than there may be threads for.
func TestThreadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{})
		bad := numbered("/bad", 3*maxHung)
		m.mounts(append(append([]string{"/"}, bad...), "/last")...)
		if good, _, _ := m.update(); len(good) != len(bad)+2 {
			t.Errorf("%d good", len(good))
		}
		release := m.hangAt(bad...)
		defer close(release)
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), collect.DefaultTimeout)
			m.out.Reset(metric.Text)
			if err := m.c.Update(ctx, m.out); err != nil || ctx.Err() != nil {
				t.Error(err, ctx.Err())
			}
			cancel()
			if n := int(m.out0.Load()); n > 2*maxHung+4 {
				t.Errorf("%d calls are out", n)
			}
			if !strings.Contains(string(m.out.AppendText(nil, nil, nil)), `node_filesystem_size_bytes{device="/dev/sda",device_error="",fstype="ext4",mountpoint="/"} 7`) {
				t.Error("the root file system is lost")
			}
		}
		if !strings.Contains(string(m.out.AppendText(nil, nil, nil)), `device_error="not asked, too many mounts hang"`) {
			t.Error("nothing is said of the mounts that are not asked")
		}
	})
}

func TestAPanicIsTheMountsOwn(t *testing.T) {
	h := &host.Host{Root: host.NewTree("/"), Statfs: func(path string) (unix.Statfs_t, error) {
		if path == "/bad" {
			panic("boom")
		}
		return unix.Statfs_t{Bsize: 1, Blocks: 7}, nil
	}}
	m := newMountHost(t, h, filesystemOptions{})
	m.mounts("/", "/bad")
	m.out.Reset(metric.Text)
	if err := m.c.Update(context.Background(), m.out); err != nil {
		t.Fatal(err)
	}
	text := string(m.out.AppendText(nil, nil, nil))
	for _, want := range []string{`size_bytes{device="/dev/sda",device_error="",fstype="ext4",mountpoint="/"} 7`, `device_error="panic: boom"`} {
		if !strings.Contains(text, want) {
			t.Errorf("want %s in\n%s", want, text)
		}
	}
}

// TestRootfs sees the host's mounts from a container, with the host's root file
// system mounted at /host.
func TestRootfs(t *testing.T) {
	var asked []string
	var mu sync.Mutex
	h := &host.Host{Root: host.NewTree("/host"), Statfs: func(path string) (unix.Statfs_t, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, path)
		return unix.Statfs_t{Bsize: 1, Blocks: 7}, nil
	}}
	m := newMountHost(t, h, filesystemOptions{workers: 1})
	m.mounts("/", "/host", "/host/boot", "/hostile", `/host/a\040b`)
	good, _, _ := m.update()
	if have, want := fmt.Sprint(good), "[/ /boot /hostile /a b]"; have != want {
		t.Errorf("mount points %s, want %s", have, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if have, want := len(asked), 4; have != want {
		t.Errorf("asked %q", asked)
	}
	for _, path := range []string{"/host/", "/host/boot", "/host/hostile", "/host/a b"} {
		if !strings.Contains(fmt.Sprintf("%q", asked), strconv.Quote(path)) {
			t.Errorf("%q was not asked, but %q", path, asked)
		}
	}
}

func TestFilesystemOptionsThatContradict(t *testing.T) {
	for _, set := range []map[string][]string{
		{"mount-points-include": {"a"}, "mount-points-exclude": {"b"}},
		{"fs-types-include": {"a"}, "fs-types-exclude": {"b"}},
		{"mount-timeout": {"0s"}},
		{"mount-timeout": {"-1s"}},
		{"stat-workers": {"many"}},
	} {
		env := &collect.Env{Host: &host.Host{}, Metrics: metric.NewSet(), Log: log.NewNopLogger()}
		if _, err := filesystem.Build.New(env, set); err == nil {
			t.Errorf("%v is accepted", set)
		}
	}
}

func TestMountEscapes(t *testing.T) {
	for in, want := range map[string][2]string{
		`/plain`:              {"/plain", "/plain"},
		`/a\040b`:             {"/a b", "/a b"},
		`/a\134b`:             {`/a\b`, `/a\b`},
		`/a\011b\012`:         {"/a\tb\n", `/a\011b\012`},
		`/a\043b`:             {"/a#b", "/a#b"},
		`/a\04`:               {`/a\04`, `/a\04`},
		`/a\400`:              {`/a\400`, `/a\400`},
		`/a\089`:              {`/a\089`, `/a\089`},
		`/a\`:                 {`/a\`, `/a\`},
		`/\303\274`:           {"/ü", "/ü"},
		"/\xff\u0085\ufffd/ü": {"/\xff\u0085\ufffd/ü", "/\\377\\302\\205\ufffd/ü"},
	} {
		path, label := unescapeMount([]byte(in))
		if path != want[0] || label != want[1] {
			t.Errorf("%q: %q and %q, want %q", in, path, label, want)
		}
		if metric.Clean(label) != label {
			t.Errorf("%q: %q cannot stand in a label", in, label)
		}
	}
}

const mountInfoSamples = `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
16 21 0:16 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
40 28 0:40 / /x ro - tmpfs  rw,size=1
41 28 0:41 /.. /with\040space rw unbindable - fuse.sshfs user@host:/ rw,user_id=0
42 28 0:42 / /a rw propagate_from:2 master:3 shared:4 - nfs4 nas:/x ro,vers=4.2
`

// TestMountInfoLikeProcfs holds the parser against procfs, on what this process
// sees and on lines of other hosts.
func TestMountInfoLikeProcfs(t *testing.T) {
	here, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Skip(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(root+"/1", 0o755); err != nil {
		t.Fatal(err)
	}
	text := mountInfoSamples + string(here)
	if err := os.WriteFile(root+"/1/mountinfo", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := fs.GetProcMounts(1)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for line := range strings.Lines(text) {
		l, err := parseMountInfo([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		m := theirs[i]
		i++
		_, ro1 := m.Options["ro"]
		_, ro2 := m.SuperOptions["ro"]
		have := []any{l.id, l.parent, string(l.major) + ":" + string(l.minor), string(l.point), string(l.fsType), string(l.device), l.readOnly}
		want := []any{m.MountID, m.ParentID, m.MajorMinorVer, m.MountPoint, m.FSType, m.Source, ro1 || ro2}
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("%s: %v, procfs has %v", line, have, want)
		}
	}
	if i != len(theirs) {
		t.Errorf("%d mounts, procfs has %d", i, len(theirs))
	}
}

func FuzzMountInfo(f *testing.F) {
	for line := range strings.Lines(mountInfoSamples) {
		f.Add([]byte(strings.TrimSuffix(line, "\n")))
	}
	f.Add([]byte("/dev/sdb1 /mnt/x ext3 rw,noatime 0 0"))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, source := range mountSources() {
			l, err := source.parse(line)
			if err != nil {
				if !errors.Is(err, errMountInfo) && !errors.Is(err, errMounts) {
					t.Error(err)
				}
				continue
			}
			if len(l.point) == 0 || len(l.fsType) == 0 {
				t.Errorf("%q: %+v", line, l)
			}
			if _, label := unescapeMount(l.point); metric.Clean(label) != label {
				t.Errorf("%q: %q cannot stand in a label", line, label)
			}
		}
	})
}

func BenchmarkFilesystem(b *testing.B) {
	for _, n := range []int{20, 2000} {
		b.Run(strconv.Itoa(n)+"-mounts", func(b *testing.B) {
			h := &host.Host{Root: host.NewTree("/"), Statfs: func(string) (st unix.Statfs_t, err error) {
				err = unix.Statfs("/", &st)
				return st, err
			}}
			m := newMountHost(b, h, filesystemOptions{})
			m.mounts(numbered("/var/lib/mounts/", n)...)
			b.ReportAllocs()
			for b.Loop() {
				m.out.Reset(metric.Text)
				if err := m.c.Update(context.Background(), m.out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
