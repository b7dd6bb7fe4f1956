package snapshot

import (
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Sections are the answers of a recorded host to system calls: the entries below
// syscall/, by the rest of their path.
type Sections interface {
	// Section returns the content of an entry, fs.ErrNotExist if there is none, or the
	// errno of a Fault.
	Section(name string) ([]byte, error)
	// Names returns the names of the entries below a folder, or nil if it is none.
	Names(folder string) []string
	// Local returns a path of the host without the folder in which it is laid out.
	Local(path string) string
}

// Answer sets the functions of a host that answer from the sections of an archive.
func Answer(h *host.Host, a *Archive, s Sections) {
	r := &answers{s}
	h.Uname, h.Adjtimex, h.Statfs, h.DialBus = r.uname, r.adjtimex, r.statfs, r.dialBus
	for _, e := range a.Entries {
		switch {
		case strings.HasPrefix(e.Path+"/", netlinkSections):
			h.Netlink = r.netlink
		case strings.HasPrefix(e.Path+"/", ethtoolSections):
			h.Ethtool = func() (host.Ethtool, error) { return ethtool{r}, nil }
		case e.Path == "syscall/btrfs":
			h.Btrfs = r.btrfs
		case e.Path == "syscall/device-mapper":
			h.DeviceMapper = r.deviceMapper
		case e.Path == "syscall/multipathd":
			h.Dial = r.dial
		case e.Path == "syscall/perf":
			h.OpenPerf, h.MaxOpenFiles = r.openPerf, r.maxOpenFiles
		}
	}
}

const (
	callSections    = "syscall/"
	netlinkSections = callSections + "netlink/"
	ethtoolSections = callSections + "ethtool/"
)

// answers answers system calls from sections.
type answers struct{ sections Sections }

// absent reports whether an error of Section says that there is none.
func absent(err error) bool { return err == fs.ErrNotExist }

// values reads the name=value lines that answer a system call. The call fails
// if its section is a fault.
func (r *answers) values(name string) (map[string]string, error) {
	b, err := r.sections.Section(name)
	switch {
	case absent(err):
		return nil, unix.ENOSYS
	case err != nil:
		return nil, os.NewSyscallError(name, err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		values[k] = v
	}
	return values, nil
}

func (r *answers) uname() (host.Uname, error) {
	v, err := r.values("uname")
	return host.Uname{
		Sysname: v["sysname"], Nodename: v["nodename"], Release: v["release"],
		Version: v["version"], Machine: v["machine"], Domainname: v["domainname"],
	}, err
}

func (r *answers) adjtimex() (int, unix.Timex, error) {
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
func (r *answers) statfs(path string) (unix.Statfs_t, error) {
	var st unix.Statfs_t
	b, err := r.sections.Section("statfs")
	switch {
	case absent(err):
		return st, unix.ENOSYS
	case err != nil:
		return st, err
	}
	path = r.sections.Local(path)
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 || mountUnescapes.Replace(f[0]) != path {
			continue
		}
		if f[1] == "hang" {
			select {}
		}
		if name, ok := strings.CutPrefix(f[1], "!"); ok {
			errno, err := Errno(name)
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

var (
	mountUnescapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	mountEscapes   = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)
)

// setField sets a number in a struct. The case of the field's name is ignored.
func setField(st any, name string, n int64) error {
	f := reflect.ValueOf(st).Elem().FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
	switch {
	case f.CanInt():
		f.SetInt(n)
	case f.CanUint():
		f.SetUint(uint64(n))
	default:
		return &fieldError{name, st}
	}
	return nil
}
