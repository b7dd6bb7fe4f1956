package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var processes = collect.Spec{
	Name: "processes",
	Help: "Number of processes and threads by state, and their limits.",
	Reads: []string{
		"/proc/[0-9]*/stat",
		"/proc/[0-9]*/task/[0-9]*/stat",
		"/proc/sys/kernel/pid_max",
		"/proc/sys/kernel/threads-max",
	},
	Needs:             "root, CAP_SYS_PTRACE or the group of the mount option gid if /proc is mounted with hidepid",
	Caps:              []capability.Capability{capability.SysPtrace},
	DisabledByDefault: true,
	Build:             collect.Plain(newProcesses),
}

// processesCollector reads the stat file of each process, for its state and its
// number of threads, and that of each further thread. The state follows the name,
// which may have blanks and parentheses; the number of threads is the 20th field:
//
//	1 (systemd) S 0 1 1 0 -1 4194560 5042 181234 78 901 24 85 210 310 20 0 1 0 5 ...
//
// See proc_pid_stat(5). Counts that miss a process are wrong, and are not served:
// those of a /proc that hides processes from the exporter, and those that are not
// complete shortly before the deadline.
type processesCollector struct {
	tree host.Tree
	proc *host.Reader
	now  func() time.Time

	processes, threads       *metric.Family
	states, threadStates     *metric.Family
	maxProcesses, maxThreads *metric.Family

	pids, tids []uint64 // buffers
}

func newProcesses(env *collect.Env) *processesCollector {
	m := env.Metrics
	return &processesCollector{
		tree: env.Host.Proc,
		// As in sysfs, one read returns the whole of a stat file.
		proc:         env.Host.Proc.Attributes().Reader(),
		now:          env.Host.Now,
		threads:      m.Gauge("node_processes_threads", "Threads of all processes, from /proc/*/stat."),
		maxThreads:   m.Gauge("node_processes_max_threads", "Maximum number of threads, from /proc/sys/kernel/threads-max."),
		states:       m.Gauge("node_processes_state", "Processes in each state that at least one has, from /proc/*/stat.", "state"),
		processes:    m.Gauge("node_processes_pids", "Processes, from /proc."),
		maxProcesses: m.Gauge("node_processes_max_processes", "Upper bound of process IDs, from /proc/sys/kernel/pid_max."),
		threadStates: m.Gauge("node_processes_threads_state", "Threads in each state that at least one has, from /proc/*/task/*/stat.", "thread_state"),
	}
}

func (c *processesCollector) Update(ctx context.Context, out *metric.Sink) error {
	for _, limit := range []struct {
		file   string
		family *metric.Family
	}{{"threads-max", c.maxThreads}, {"pid_max", c.maxProcesses}} {
		if v, err := c.proc.Uint("sys/kernel", limit.file); host.ReportUnlessGone(err, out.Error) {
			out.Emit(limit.family, float64(v))
		}
	}
	var counts processCounts
	if err := c.count(ctx, &counts); err != nil {
		return err
	}
	out.Emit(c.processes, float64(counts.processes))
	out.Emit(c.threads, float64(counts.threads))
	counts.states.emit(out, c.states)
	counts.threadStates.emit(out, c.threadStates)
	return nil
}

// processCounts are the counts of one run.
type processCounts struct {
	processes, threads   uint64
	states, threadStates stateCounts
}

// stateCounts has a count for each letter that the kernel may use for a state.
type stateCounts [256]uint64

func (s *stateCounts) emit(out *metric.Sink, f *metric.Family) {
	for letter, n := range s {
		if n > 0 {
			out.Emit(f, float64(n), string([]byte{byte(letter)}))
		}
	}
}

// count counts all processes, or returns an error.
func (c *processesCollector) count(ctx context.Context, counts *processCounts) error {
	late := c.lateness(ctx)
	c.pids = c.pids[:0]
	visible := false
	err := c.proc.EachName(func(name []byte) {
		if pid, ok := scan.Uint(name); ok {
			c.pids = append(c.pids, pid)
			visible = visible || pid == 1
		}
	})
	switch {
	case err != nil:
		return err
	case len(c.pids) == 0:
		return fmt.Errorf("%s: want processes, have none", c.tree.Path())
	case !visible:
		return fmt.Errorf("%s: want process 1: %w", c.tree.Path(), errHidden)
	}
	for i, pid := range c.pids {
		if i%64 == 0 && late() {
			return fmt.Errorf("%s: have %d of %d processes at the deadline: not counted", c.tree.Path(), i, len(c.pids))
		}
		if err := c.countProcess(pid, counts, late); err != nil {
			return err
		}
	}
	return nil
}

var errHidden = errors.New("processes are hidden from the exporter, see hidepid in proc(5): not counted")

// lateness returns a function that reports whether nine tenths of the time up to
// the deadline are over.
func (c *processesCollector) lateness(ctx context.Context) func() bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return func() bool { return false }
	}
	limit := deadline.Add(-deadline.Sub(c.now()) / 10)
	return func() bool { return c.now().After(limit) }
}

// countProcess counts a process and its threads. One that has ended counts as
// nothing.
func (c *processesCollector) countProcess(pid uint64, counts *processCounts, late func() bool) error {
	var digits [20]byte
	id := string(strconv.AppendUint(digits[:0], pid, 10))
	state, threads, ok, err := c.readStat(id, "stat")
	if !ok {
		return err
	}
	counts.processes++
	counts.threads += threads
	counts.states[state]++
	counts.threadStates[state]++
	if threads <= 1 {
		return nil
	}
	c.tids = c.tids[:0]
	err = c.proc.EachName(func(name []byte) {
		if tid, ok := scan.Uint(name); ok && tid != pid {
			c.tids = append(c.tids, tid)
		}
	}, id, "task")
	if err != nil {
		return processError(err)
	}
	for i, tid := range c.tids {
		if i%64 == 63 && late() {
			return fmt.Errorf("%s: have %d of %d threads at the deadline: not counted", c.tree.Path(id, "task"), i, len(c.tids))
		}
		var digits [20]byte
		state, _, ok, err := c.readStat(id, "task", string(strconv.AppendUint(digits[:0], tid, 10)), "stat")
		if err != nil {
			return err
		}
		if ok {
			counts.threadStates[state]++
		}
	}
	return nil
}

// readStat reads a stat file. It returns false and no error if the process or
// thread has ended.
func (c *processesCollector) readStat(elem ...string) (state byte, threads uint64, ok bool, err error) {
	b, err := c.proc.Read(elem...)
	if err != nil {
		return 0, 0, false, processError(err)
	}
	if state, threads, ok = parseProcessStat(b); !ok {
		return 0, 0, false, c.proc.At(host.Bad(1, "the name and state of a process, and its threads", b))
	}
	return state, threads, true, nil
}

// processError returns nil for an error that says that a process has ended.
func processError(err error) error {
	switch {
	case host.Gone(err), errors.Is(err, syscall.ESRCH):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", err, errHidden)
	}
	return err
}

// parseProcessStat returns the 3rd and the 20th field of a stat file. The second
// one is a name in parentheses, which may have any byte.
func parseProcessStat(b []byte) (state byte, threads uint64, ok bool) {
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, 0, false
	}
	field, rest := scan.Field(b[i+1:])
	if len(field) != 1 || field[0] >= 0x80 {
		return 0, 0, false
	}
	state = field[0]
	for range 20 - 3 {
		field, rest = scan.Field(rest)
	}
	threads, ok = scan.Amount32(field)
	return state, threads, ok
}
