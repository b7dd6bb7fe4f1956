package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A mountHost is a host whose mounts a test may let hang.
type mountHost struct {
	testing.TB
	root string
	c    *filesystemCollector
	set  *metric.Set
	out  *metric.Sink

	mu            sync.Mutex
	releaseByPath map[string]chan struct{} // by path; closed to release the calls
	calls         map[string]int
	inProgress    atomic.Int32 // calls
}

func newMountHost(t testing.TB, h *host.Host, o filesystemOptions) *mountHost {
	t.Helper()
	m := &mountHost{TB: t, root: t.TempDir(), set: metric.NewSet(), releaseByPath: map[string]chan struct{}{}, calls: map[string]int{}}
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
	m.inProgress.Add(1)
	defer m.inProgress.Add(-1)
	m.mu.Lock()
	m.calls[path]++
	wait := m.releaseByPath[path]
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
		m.releaseByPath[p] = release
	}
	return release
}

func (m *mountHost) free(paths ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range paths {
		delete(m.releaseByPath, p)
	}
}

func (m *mountHost) callsTo(path string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[path]
}

// mounts writes mountinfo. A mount is PATH or PATH#ID.
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
	writeTree(m, m.root, map[string]string{"1/mountinfo": b.String()})
}

// update scrapes with the default deadline. It returns the mount points that
// answered, those that hang, and the duration.
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
	skipped := strings.Count(text, `device_error="`+errMountSkipped.Error()) / 2 // in two families
	if errs, more := m.out.Errors(); len(errs)+more != len(hung)+skipped {
		m.Errorf("%d mounts hang, %d are skipped, and %d errors are reported: %v", len(hung), skipped, len(errs)+more, errs)
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

// TestRootfs probes the mounts of the host from a container, which has the root
// file system of the host at /host.
func TestRootfs(t *testing.T) {
	var paths []string
	var mu sync.Mutex
	h := &host.Host{Root: host.NewTree("/host"), Statfs: func(path string) (unix.Statfs_t, error) {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, path)
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
	if len(paths) != 4 {
		t.Errorf("%d paths are probed, want 4", len(paths))
	}
	for _, path := range []string{"/host/", "/host/boot", "/host/hostile", "/host/a b"} {
		if !slices.Contains(paths, path) {
			t.Errorf("%q is not among %q", path, paths)
		}
	}
}

func TestInvalidFilesystemOptions(t *testing.T) {
	for _, set := range []map[string][]string{
		{"mount-points-include": {"a"}, "mount-points-exclude": {"b"}},
		{"fs-types-include": {"a"}, "fs-types-exclude": {"b"}},
		{"mount-timeout": {"0s"}},
		{"mount-timeout": {"-1s"}},
		{"stat-workers": {"many"}},
	} {
		env := &collect.Env{Host: &host.Host{}, Metrics: metric.NewSet(), Log: log.NewNopLogger()}
		if _, err := filesystem.Build.New(env, set); err == nil {
			t.Errorf("%v: no error", set)
		}
	}
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
