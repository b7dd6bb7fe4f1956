package golden

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/fault"
)

// A recordedHost is an archive laid out below a folder.
type recordedHost struct {
	*host.Host
	root    string
	archive *Archive
	faults  fault.Files
	opened  openedPaths
	reached map[string]bool // see addReached
	timeout time.Duration
	clock   time.Time
}

// layOut writes the first moment of a host below root.
func layOut(a *Archive, root string) (*recordedHost, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	r := &recordedHost{root: root, archive: a}
	r.clock = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	arch, page := "amd64", 4096
	for _, s := range a.Settings {
		switch s.Key {
		case "clock":
			r.clock, err = time.Parse(time.RFC3339Nano, s.Value)
		case "arch":
			arch = s.Value
		case "page-size":
			page, err = strconv.Atoi(s.Value)
		case "timeout":
			r.timeout, err = time.ParseDuration(s.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Key, err)
		}
	}
	for _, dir := range []string{"proc", "sys", "run/udev/data"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return nil, err
		}
	}
	tree := func(path string) host.Tree { return host.InjectFaults(host.NewTree(root+path), r.open) }
	r.Host = &host.Host{
		Proc: tree("/proc"), Sys: tree("/sys").Attributes(), Root: tree(""), Udev: tree("/run/udev/data"),
		Files: r.faults.Inject(host.NewTree(root)), // of options, which no data sheet knows
		Arch:  arch, PageSize: page, Ticks: 100,
		Now:      func() time.Time { return r.clock },
		Uname:    r.uname,
		Adjtimex: r.adjtimex,
		Statfs:   r.statfs,
		DialBus:  r.dialBus,
	}
	for _, e := range a.Entries {
		switch {
		case strings.HasPrefix(e.Path, "syscall/netlink/"):
			r.Netlink = r.netlink
		case strings.HasPrefix(e.Path, "syscall/ethtool/"):
			r.Ethtool = func() (host.Ethtool, error) { return ethtool{r}, nil }
		case e.Path == "syscall/btrfs":
			r.Btrfs = r.btrfs
		case e.Path == "syscall/device-mapper":
			r.DeviceMapper = r.deviceMapper
		case e.Path == "syscall/multipathd":
			r.Dial = r.dial
		case e.Path == "syscall/perf":
			r.OpenPerf, r.MaxOpenFiles = r.openPerf, r.maxOpenFiles
		}
	}
	return r, r.moment(1)
}

// open notes that a path is opened, and returns its fault.
func (r *recordedHost) open(path string) error {
	r.opened.add(path)
	return r.faults.At(path)
}

// moment writes the entries of one moment.
func (r *recordedHost) moment(n int) error {
	for _, e := range r.archive.Entries {
		if e.Moment != n {
			continue
		}
		path := filepath.Join(r.root, e.Path)
		if err := r.put(path, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *recordedHost) put(path string, e Entry) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	r.faults.Set(path, nil)
	if e.Moment > 1 {
		if err := r.setAside(path); err != nil {
			return err
		}
	}
	switch e.Kind {
	case Link:
		// The target may come in a later section, or never.
		return os.Symlink(e.Target, path)
	case Folder:
		return os.MkdirAll(path, 0o755)
	case Fifo:
		return unix.Mkfifo(path, 0o644)
	case Fault:
		errno, err := errnoOf(e.Target)
		if err != nil {
			return err
		}
		r.faults.Set(path, errno)
		return os.WriteFile(path, nil, 0o644)
	case Deleted:
		return nil
	}
	return r.write(path, e.Data, e)
}

// write writes a file with the mode and the time of its entry.
func (r *recordedHost) write(path string, data []byte, e Entry) error {
	if err := os.WriteFile(path, data, e.Mode); err != nil {
		return err
	}
	mtime := e.Mtime
	if mtime.IsZero() {
		mtime = r.clock
	}
	return os.Chtimes(path, mtime, mtime)
}

// setAside moves an entry out of the way. If it was removed, what takes its
// place might get its inode number, as never happens in sysfs.
func (r *recordedHost) setAside(path string) error {
	gone, err := os.MkdirTemp(r.root, "gone")
	if err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(gone, "entry")); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func errnoOf(name string) (error, error) {
	if name == "EOPNOTSUPP" { // x/sys calls it ENOTSUP
		return unix.EOPNOTSUPP, nil
	}
	for n := unix.Errno(1); n < 140; n++ {
		if unix.ErrnoName(n) == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("unknown errno %s", name)
}

// options returns the settings of the collector.
func (r *recordedHost) options() map[string][]string {
	options := map[string][]string{}
	for _, s := range r.archive.Settings {
		if name, ok := strings.CutPrefix(s.Key, "option "); ok {
			options[name] = append(options[name], s.Value)
		}
	}
	return options
}

// fault returns the error with which a system call fails, or nil.
func (r *recordedHost) fault(name string) error {
	return r.faults.At(filepath.Join(r.root, "syscall", name))
}

// values reads the name=value lines that answer a system call. The call fails
// if its section is a fault.
func (r *recordedHost) values(name string) (map[string]string, error) {
	file := filepath.Join(r.root, "syscall", name)
	if err := r.fault(name); err != nil {
		return nil, os.NewSyscallError(name, err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, unix.ENOSYS
	}
	values := map[string]string{}
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		values[k] = v
	}
	return values, nil
}

func (r *recordedHost) uname() (host.Uname, error) {
	v, err := r.values("uname")
	return host.Uname{
		Sysname: v["sysname"], Nodename: v["nodename"], Release: v["release"],
		Version: v["version"], Machine: v["machine"], Domainname: v["domainname"],
	}, err
}

func (r *recordedHost) adjtimex() (int, unix.Timex, error) {
	var tx unix.Timex
	values, err := r.values("adjtimex")
	if err != nil {
		return -1, tx, err
	}
	state := 0
	for k, v := range values {
		n, err := strconv.ParseInt(v, 0, 64)
		if err != nil {
			return -1, tx, err
		}
		if k == "state" {
			state = int(n)
		} else if err := setField(&tx, k, n); err != nil {
			return -1, tx, err
		}
	}
	return state, tx, nil
}

// statfs answers from lines of a path and name=value pairs:
//
//	/data type=0x58465342 bsize=4096 blocks=100 bfree=50 bavail=40 files=10 ffree=5
//	/mnt/secret !EACCES
//	/mnt/dead hang
//
// Blanks in a path are written as in /proc/mounts, \040 for a space.
func (r *recordedHost) statfs(path string) (unix.Statfs_t, error) {
	var st unix.Statfs_t
	if err := r.fault("statfs"); err != nil {
		return st, err
	}
	b, err := os.ReadFile(filepath.Join(r.root, "syscall", "statfs"))
	if err != nil {
		return st, unix.ENOSYS
	}
	path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, r.root), "/")
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 || mountEscapes.Replace(f[0]) != path {
			continue
		}
		if f[1] == "hang" {
			select {}
		}
		if name, ok := strings.CutPrefix(f[1], "!"); ok {
			errno, err := errnoOf(name)
			if err != nil {
				return st, err
			}
			return st, errno
		}
		for _, pair := range f[1:] {
			k, v, _ := strings.Cut(pair, "=")
			n, err := strconv.ParseUint(v, 0, 64)
			if err != nil {
				return st, err
			}
			if err := setField(&st, k, int64(n)); err != nil {
				return st, err
			}
		}
		return st, nil
	}
	return st, unix.ENOENT
}

var mountEscapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// setField sets a number in a struct. The case of the field's name is ignored.
func setField(st any, name string, n int64) error {
	f := reflect.ValueOf(st).Elem().FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
	switch {
	case f.CanInt():
		f.SetInt(n)
	case f.CanUint():
		f.SetUint(uint64(n))
	default:
		return fmt.Errorf("no number field %q in %T", name, st)
	}
	return nil
}

// withTimeout returns the data sheet with the timeout of the case.
func (r *recordedHost) withTimeout(spec collect.Spec) collect.Spec {
	if r.timeout > 0 {
		spec.Timeout = r.timeout
	}
	return spec
}
