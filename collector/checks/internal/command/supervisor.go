package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Main is the first line of a program that has a Runner: where the program was
// started as a supervisor, or as its second stage, it does that work and
// exits, else it returns at once.
func Main() {
	if len(os.Args) > 2 && os.Args[0] == stageName && isPipe(stageFD) {
		errno := execWithLimit(os.Args[1:])
		_, _ = unix.Write(stageFD, strconv.AppendInt(nil, int64(errno), 10))
		os.Exit(1)
	}
	if len(os.Args) != 2 || os.Args[0] != supervisorName || !isPipe(controlFD) || !isPipe(reportFD) {
		return
	}
	if err := supervise(os.NewFile(controlFD, "control"), os.NewFile(reportFD, "report")); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", supervisorName, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// isPipe keeps a name that was chosen by accident from having an effect.
func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

func supervise(control io.Reader, reply io.Writer) error {
	var req request
	if err := json.NewDecoder(control).Decode(&req); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	s := &supervisor{request: req, children: make(chan os.Signal, 1), stop: make(chan os.Signal, 1)}
	// A service manager that stops the exporter may signal the supervisor as
	// well. What is caught here is back at its default in the program.
	signal.Notify(s.children, unix.SIGCHLD)
	signal.Notify(s.stop, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	go func() {
		// The other end closes when the run is to end, and when the exporter
		// dies, however it does.
		_, _ = io.Copy(io.Discard, control)
		select {
		case s.stop <- unix.SIGTERM:
		default:
		}
	}()
	s.run()
	err := json.NewEncoder(reply).Encode(&s.report)
	if err != nil && s.ScratchDir != "" {
		_ = removeScratch(s.ScratchDir) // there is no exporter any more that would
	}
	return err
}

// A supervisor is in charge of one program and of all that descends from it.
type supervisor struct {
	request
	report
	leader         int // process id of the program, and its group's
	children, stop chan os.Signal
}

func (s *supervisor) run() {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		s.SpawnError = fmt.Sprintf("becoming the reaper of orphans: %v", err)
		return
	}
	started := make(chan launchResult)
	go s.launch(started)
	l := <-started
	if l.err != nil {
		s.SpawnError, s.SandboxFailed = l.err.Error(), errors.As(l.err, new(sandboxError))
		return
	}
	s.leader = l.pid
	s.wait()
	s.sweep()
	s.dropInheritedMaxRSS()
}

// wait returns when the program has ended, or has had its chance to.
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
			// One that is stopped gets SIGTERM only when it goes on.
			_ = unix.Kill(-s.leader, unix.SIGTERM)
			_ = unix.Kill(-s.leader, unix.SIGCONT)
			grace = time.After(s.KillGrace)
		case <-grace:
			return
		}
	}
}

// reap collects the processes that have ended, and tells whether there are
// others. When there are none, nothing at all is left of the program: whoever
// loses its parent becomes the supervisor's child.
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

// sweep kills what is left until nothing is, or for as long as makes sense.
func (s *supervisor) sweep() {
	// Read before the control group is killed, while there is something to count.
	counted := map[int]bool{}
	deadline := time.Now().Add(s.SweepTimeout)
	for pause := time.Millisecond; s.reap(); pause = min(2*pause, 50*time.Millisecond) {
		left := descendants(os.Getpid())
		s.countOrphans(left, counted)
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

// countOrphans adds those to LeftBehind that the program should have ended: all of
// them when it ended by itself, else those that left its group.
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
	if s.CgroupDir != "" {
		_ = os.WriteFile(s.CgroupDir+"/cgroup.kill", []byte("1"), 0)
	}
	if !s.HasStatus {
		// Only now: when it has been waited for, its number may be another's.
		_ = unix.Kill(-s.leader, unix.SIGKILL)
	}
	for _, p := range left {
		_ = p.kill()
	}
}

// dropInheritedMaxRSS drops a MaxRSS that says nothing: until a process executes the
// program it has the supervisor's memory, or the second stage's that may be
// somewhat larger, and the kernel counts that as its.
func (s *supervisor) dropInheritedMaxRSS() {
	const somewhat = 2 << 20
	var own unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &own); err != nil || s.MaxRSS <= int64(own.Maxrss)<<10+somewhat {
		s.MaxRSS = 0
	}
}
