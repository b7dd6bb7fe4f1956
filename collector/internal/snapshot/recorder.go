package snapshot

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Recorder records a host while collectors read it. What they get is what the recorder
// has: a file is read once, and read again it is the same. So the samples of a run on
// Host are those of a run on the archive.
type Recorder struct {
	machine Machine
	files   *files
	calls   *calls
}

// NewRecorder returns a recorder of a host. Its clock stands still from now on.
func NewRecorder(live *host.Host) *Recorder {
	m := Machine{Clock: live.Now().Round(0), Arch: live.Arch, PageSize: live.PageSize}
	f := &files{clock: m.Clock, live: &liveFiles{live}, nodes: map[string]*node{}}
	return &Recorder{machine: m, files: f, calls: newCalls(live)}
}

// Host returns the host that collectors read.
func (r *Recorder) Host() *host.Host {
	h := r.files.host(r.machine)
	r.calls.set(h)
	return h
}

// Read reads the files that match a pattern of a data sheet, such as
// /sys/class/net/*/mtu, for collectors that do not run now. It ends when ctx is done.
func (r *Recorder) Read(ctx context.Context, pattern string) {
	for _, file := range r.files.glob(ctx, pattern) {
		if ctx.Err() != nil {
			return
		}
		if _, n, err := r.files.resolve(file, true); err == nil && n.kind == File {
			_, _ = r.files.Read(file)
		}
	}
}

// glob returns the paths that match a pattern.
func (f *files) glob(ctx context.Context, pattern string) []string {
	found := []string{""}
	for elem := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		for _, dir := range found {
			if ctx.Err() != nil {
				return nil
			}
			if !strings.ContainsAny(elem, `*?[\`) {
				if p := dir + "/" + elem; f.exists(p) {
					next = append(next, p)
				}
				continue
			}
			names, _ := f.List(dir)
			for _, e := range names {
				if ok, _ := path.Match(elem, e.Name); ok {
					next = append(next, dir+"/"+e.Name)
				}
			}
		}
		found = next
	}
	return found
}

func (f *files) exists(p string) bool {
	_, _, err := f.resolve(p, false)
	return err == nil
}

// Archive returns what was recorded. What has not been answered yet is recorded as what
// hangs.
func (r *Recorder) Archive() *Archive {
	return &Archive{
		Settings: []Setting{
			{"clock", r.machine.Clock.UTC().Format(time.RFC3339Nano)},
			{"arch", r.machine.Arch},
			{"page-size", strconv.Itoa(r.machine.PageSize)},
		},
		Entries:  append(r.files.entries(), r.calls.entries()...),
		Complete: true,
	}
}

// An answer is what one call returned.
type answer struct {
	once sync.Once
	done bool // guarded by the lock of calls
	text string
	err  error // an errno, with which the whole section fails
}

// calls are the answers to system calls, each of which is made once.
type calls struct {
	live *host.Host

	mu      sync.Mutex
	answers map[string]map[string]*answer // by section, and within it by what was asked
	devices map[string]*ethtoolRecord
	buses   map[string]*busRecord // by section
}

func newCalls(live *host.Host) *calls {
	return &calls{
		live: live, answers: map[string]map[string]*answer{},
		devices: map[string]*ethtoolRecord{}, buses: map[string]*busRecord{},
	}
}

// get returns an answer, for which it calls fetch the first time.
func (c *calls) get(section, key string, fetch func() (text string, err error)) *answer {
	c.mu.Lock()
	a := c.answers[section][key]
	if a == nil {
		a = &answer{}
		if c.answers[section] == nil {
			c.answers[section] = map[string]*answer{}
		}
		c.answers[section][key] = a
	}
	c.mu.Unlock()
	a.once.Do(func() {
		text, err := fetch()
		c.mu.Lock()
		defer c.mu.Unlock()
		a.text, a.err, a.done = text, errnoIn(err), true
	})
	return a
}

// entries returns the answers as entries of an archive.
func (c *calls) entries() []Entry {
	c.fetchMachine()
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Entry
	put := func(section string, e Entry) {
		e.Path, e.Moment, e.Mode = callSections+section, 1, 0o644
		all = append(all, e)
	}
	requests := map[string]int{} // of netlink, by protocol and type
	for section := range c.answers {
		if strings.HasPrefix(section, "netlink/") {
			requests[path.Dir(section)]++
		}
	}
	for section := range c.answers {
		if requests[path.Dir(section)] == 1 {
			put(path.Dir(section), c.section(section))
		} else {
			put(section, c.section(section))
		}
	}
	for section, available := range map[string]bool{
		"btrfs": c.live.Btrfs != nil, "device-mapper": c.live.DeviceMapper != nil, "perf": c.live.OpenPerf != nil,
	} {
		if available && c.answers[section] == nil {
			put(section, Entry{Kind: File})
		}
	}
	if c.live.Dial != nil && c.answers["multipathd"] == nil {
		put("multipathd", Entry{Kind: Fault, Target: "ECONNREFUSED"})
	}
	if c.live.Netlink != nil && !slices.ContainsFunc(all, func(e Entry) bool { return strings.HasPrefix(e.Path, netlinkSections) }) {
		put("netlink", Entry{Kind: Folder})
	}
	for device, record := range c.devices {
		put("ethtool/"+device, record.entry())
	}
	if c.live.Ethtool != nil && len(c.devices) == 0 {
		put("ethtool", Entry{Kind: Folder})
	}
	for section, record := range c.buses {
		put(section, record.entry())
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return host.CompareNatural(a.Path, b.Path) })
	return all
}

// section returns the answers of one section as an entry.
func (c *calls) section(name string) Entry {
	answers := c.answers[name]
	var b strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(answers), host.CompareNatural) {
		a := answers[key]
		switch {
		case !a.done && key == "":
			return Entry{Kind: Fifo}
		case !a.done:
			b.WriteString(key + " hang\n")
		case a.err != nil:
			return Entry{Kind: Fault, Target: ErrnoName(a.err)}
		case name == "btrfs" && c.hasErrors(key):
			// The answer with the error counters has it all.
		default:
			b.WriteString(a.text)
		}
	}
	return Entry{Kind: File, Data: []byte(b.String())}
}

// oneSection is a host with one answer.
type oneSection struct {
	name string
	*answer
}

// Section implements Sections.
func (s oneSection) Section(string) ([]byte, error) { return []byte(s.text), s.err }

// Names implements Sections.
func (s oneSection) Names(string) []string { return nil }

// Local implements Sections.
func (s oneSection) Local(p string) string { return p }
