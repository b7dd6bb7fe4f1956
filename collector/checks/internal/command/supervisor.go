package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/frame"
)

// Main must be the first call of a program that has a Runner. In a process that
// was started as a supervisor, or as a supervisor's second stage, it does that
// work and exits. Otherwise it returns.
func Main(parse Parser) {
	if len(os.Args) > 2 && os.Args[0] == stageName && isPipe(stageFD) {
		errno := execWithLimit(os.Args[1:])
		_, _ = unix.Write(stageFD, strconv.AppendInt(nil, int64(errno), 10))
		os.Exit(1)
	}
	if len(os.Args) != 2 || os.Args[0] != supervisorName || !isPipe(controlFD) || !isPipe(reportFD) {
		return
	}
	if err := supervise(os.NewFile(controlFD, "control"), os.NewFile(reportFD, "report"), parse); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", supervisorName, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// isPipe reports whether a descriptor is a pipe. A process that has a supervisor's
// name by accident has no such pipes.
func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// supervise runs the program that control requests, writes the report to reply, and
// parses the output if control then requests that.
func supervise(control io.Reader, reply io.Writer, parse Parser) error {
	// Other processes of its user must not look into it, or change it.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("clearing the dumpable flag: %w", err)
	}
	var req request
	if err := frame.ReadJSON(control, &req, maxRequest); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	s := &supervisor{
		request: req, children: make(chan os.Signal, 1), stop: make(chan struct{}, 1),
		stdout: headBuffer{max: req.MaxStdout}, stderr: tailBuffer{max: req.MaxStderr},
	}
	// A service manager that stops the exporter may signal the supervisor, too.
	// The program has the default handlers again.
	signal.Notify(s.children, unix.SIGCHLD)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	go func() {
		for range signals {
			s.requestStop()
		}
	}()
	next := make(chan parseRequest, 1)
	go func() {
		defer close(next)
		var p parseRequest
		if err := frame.ReadJSON(control, &p, maxRequest); err != nil {
			// The exporter closes its end to end the run, and the kernel closes it
			// when the exporter dies.
			s.requestStop()
			return
		}
		next <- p
		_, _ = io.Copy(io.Discard, control)
		os.Exit(1) // parsing has no use any more
	}()
	s.run()
	if err := frame.WriteJSON(reply, &s.report, maxReport); err != nil {
		s.removeScratch() // the exporter is gone
		return err
	}
	p, ok := <-next
	if !ok {
		return nil
	}
	if err := limitParsing(p.Memory); err != nil {
		return err
	}
	return frame.Write(reply, parse(p.Spec, s.stdout.bytes()), maxParsed)
}

// A supervisor runs one program, and ends all of its descendants.
type supervisor struct {
	request
	report
	leader   int            // the program's process ID, and that of its process group
	children chan os.Signal // SIGCHLD
	stop     chan struct{}  // to end the run
	stdout   headBuffer
	stderr   tailBuffer
}

// requestStop ends the run.
func (s *supervisor) requestStop() {
	select {
	case s.stop <- struct{}{}:
	default:
	}
}

func (s *supervisor) run() {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		s.SpawnError = fmt.Sprintf("becoming the reaper of orphans: %v", err)
		return
	}
	var files [4]*os.File // of the output: for the supervisor, and for the program
	for i := 0; i < len(files); i += 2 {
		var err error
		if files[i], files[i+1], err = pipe(false); err != nil {
			s.SpawnError = err.Error()
			return
		}
	}
	started := make(chan launchResult)
	go s.launch(files[1].Fd(), files[3].Fd(), started)
	l := <-started
	_, _ = files[1].Close(), files[3].Close()
	if l.err != nil {
		s.SpawnError, s.SandboxFailed = l.err.Error(), errors.As(l.err, new(sandboxError))
		return
	}
	if l.limited {
		s.limitHard(l.pid)
	}
	s.leader = l.pid
	var readers sync.WaitGroup
	readers.Go(func() {
		if s.stdout.readFrom(files[0]) {
			s.requestStop()
		}
	})
	readers.Go(func() { s.stderr.readFrom(files[2]) })
	s.wait()
	s.sweep()
	s.dropInheritedMaxRSS()
	// A process that still has the output open cannot be killed, or is no
	// descendant of the program.
	for _, f := range []*os.File{files[0], files[2]} {
		_ = f.SetReadDeadline(time.Now().Add(time.Second))
	}
	readers.Wait()
	s.Overflowed, s.Stderr = s.stdout.overflowed, s.stderr.bytes()
}

// wait returns when the program has ended, or the grace period is over.
func (s *supervisor) wait() {
	var grace <-chan time.Time
	for s.reap() && (!s.HasStatus || s.SentSIGTERM) {
		select {
		case <-s.children:
		case <-s.stop:
			if s.SentSIGTERM {
				continue
			}
			s.SentSIGTERM = true
			// A stopped process gets SIGTERM when it continues.
			_ = unix.Kill(-s.leader, unix.SIGTERM)
			_ = unix.Kill(-s.leader, unix.SIGCONT)
			grace = time.After(s.KillGrace)
		case <-grace:
			return
		}
	}
}

// reap waits for the processes that have ended, and reports whether there are
// others. When there are none, all descendants have ended, because the supervisor
// is the new parent of a process whose parent ends.
func (s *supervisor) reap() (more bool) {
	for {
		var status unix.WaitStatus
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &usage)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false
		case pid == 0:
			return true
		}
		s.CPU += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		s.MaxRSS = max(s.MaxRSS, int64(usage.Maxrss)<<10)
		if pid == s.leader {
			s.HasStatus, s.Status = true, syscall.WaitStatus(status)
		}
	}
}

// sweep kills all descendants, until they have ended or SweepTimeout is over.
func (s *supervisor) sweep() {
	counted := map[int]bool{} // by process ID
	deadline := time.Now().Add(s.SweepTimeout)
	for pause := time.Millisecond; s.reap(); pause = min(2*pause, 50*time.Millisecond) {
		left := descendants(os.Getpid())
		s.countOrphans(left, counted) // before they are killed
		if time.Now().After(deadline) {
			s.Survivors = describeSurvivors(left)
			return
		}
		s.kill(left)
		select {
		case <-s.children:
		case <-time.After(pause):
		}
	}
}

// countOrphans counts the processes that the program should have ended: all of
// them if it exited by itself, otherwise those that left its process group.
func (s *supervisor) countOrphans(left []process, counted map[int]bool) {
	for _, p := range left {
		if p.isDead() || counted[p.pid] || p.pid == s.leader || s.SentSIGTERM && p.group == s.leader {
			continue
		}
		counted[p.pid] = true
		s.Orphans++
	}
}

func (s *supervisor) kill(left []process) {
	if s.GroupDir != "" {
		_ = os.WriteFile(s.GroupDir+"/cgroup.kill", []byte("1"), 0)
	}
	if !s.HasStatus {
		// Once the leader has been waited for, its ID may be that of another group.
		_ = unix.Kill(-s.leader, unix.SIGKILL)
	}
	for _, p := range left {
		_ = p.kill()
	}
}

// dropInheritedMaxRSS drops a MaxRSS that may be that of the supervisor, or of the
// second stage, which may be somewhat larger: the kernel counts the memory that a
// process has before it executes the program.
func (s *supervisor) dropInheritedMaxRSS() {
	const somewhat = 2 << 20
	var own unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &own); err != nil || s.MaxRSS <= int64(own.Maxrss)<<10+somewhat {
		s.MaxRSS = 0
	}
}
