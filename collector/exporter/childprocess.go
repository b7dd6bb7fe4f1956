package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// drainTimeout is how long a serve may take to finish its requests.
const drainTimeout = 10 * time.Second

// A childProcess is the runner's side of a child that serves.
type childProcess struct {
	runner   *Runner
	replaces bool // another serve has run before
	process  *os.Process
	link     *link

	wakeup  chan struct{} // to send the changes of checks
	answers chan message  // to load
	ready   chan struct{} // closed when it is ready
	stops   chan struct{} // closed when it accepts no more connections
	done    chan struct{} // closed when the process has ended

	mu         sync.Mutex
	statusLine string
	linkErr    error // why the runner ended it

	state *os.ProcessState // after done
}

// liveServes are the serves that run. It is safe for concurrent use.
type liveServes struct {
	mu  sync.Mutex
	all []*childProcess
}

func (l *liveServes) add(p *childProcess) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, p)
}

func (l *liveServes) remove(p *childProcess) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.DeleteFunc(l.all, func(q *childProcess) bool { return q == p })
}

// wake has the changes of checks sent to all of them. It does not block.
func (l *liveServes) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.all {
		p.wake()
	}
}

// startServe starts a child that serves. The calling goroutine must be locked to its
// thread.
func (r *Runner) startServe() (*childProcess, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	own, theirs := os.NewFile(uintptr(fds[0]), "link"), os.NewFile(uintptr(fds[1]), "link")
	defer own.Close()
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr, theirs}
	defer func() {
		for _, f := range files[linkFD:] {
			_ = f.Close()
		}
	}()
	conn, err := net.FileConn(own)
	if err != nil {
		return nil, err
	}
	for _, l := range r.listeners {
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("%v: %w", l.Addr(), err)
		}
		files = append(files, f)
	}
	attributes, err := r.serveAttributes()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	p := &childProcess{
		runner: r, replaces: r.serve != nil, link: newRunnerLink(conn),
		wakeup: make(chan struct{}, 1), answers: make(chan message, 1), ready: make(chan struct{}), stops: make(chan struct{}), done: make(chan struct{}),
	}
	// This link stays valid when an upgrade replaces the file.
	p.process, err = os.StartProcess("/proc/self/exe", append([]string{serveName}, r.args...), &os.ProcAttr{
		Env: slices.DeleteFunc(os.Environ(), func(v string) bool {
			name, _, _ := strings.Cut(v, "=")
			return slices.Contains([]string{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "RUNTIME_DIRECTORY"}, name)
		}),
		Files: files,
		Sys:   attributes,
	})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("starting the serving process: %w", err)
	}
	p.wake()
	r.live.add(p)
	go p.wait()
	go p.receive()
	go p.feed()
	return p, nil
}

// serveAttributes returns the attributes of the child. Of the runner's capabilities it
// has those that some collector needs, and keeps those of the enabled ones.
func (r *Runner) serveAttributes() (*syscall.SysProcAttr, error) {
	// Ctrl-C reaches the runner only, and the child ends with it.
	a := &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	if r.config.User != "" {
		var err error
		if a.Credential, err = r.serveUser(); err != nil {
			return nil, err
		}
	}
	// The thread has none to pass on, and root needs none.
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil || a.Credential == nil && os.Geteuid() == 0 {
		return a, nil // before Linux 4.3 there are none
	}
	have, err := capability.Effective()
	if err != nil {
		return nil, err
	}
	for _, spec := range r.reader.specs {
		for _, c := range spec.Caps {
			if number := uintptr(c); have.Has(c) && !slices.Contains(a.AmbientCaps, number) {
				a.AmbientCaps = append(a.AmbientCaps, number)
			}
		}
	}
	return a, nil
}

// wait waits for the end of the process.
func (p *childProcess) wait() {
	defer close(p.done)
	p.state, _ = p.process.Wait() // without a state the end is not regular
	p.runner.live.remove(p)
	_ = p.link.conn.Close()
}

// receive takes messages. A process that breaks the rules is killed.
func (p *childProcess) receive() {
	for {
		m, err := p.link.receive()
		if err != nil {
			p.fail(err)
			return
		}
		p.take(m)
	}
}

// take takes a message. Those that serve must not send are ignored.
func (p *childProcess) take(m message) {
	switch m.Kind {
	case readyMessage:
		p.setStatus(m.Status)
		closeOnce(p.ready)
	case stoppingMessage:
		closeOnce(p.stops)
	case statusMessage:
		p.setStatus(m.Status)
	case loadedMessage:
		p.setStatus(m.Status)
		select {
		case p.answers <- m:
		default: // more answers than requests
		}
	default:
		p.runner.relay(p, m)
	}
}

// closeOnce closes a channel that only the caller closes, unless it is closed.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// feed sends the first message, and then the changes of checks whenever wake is called.
func (p *childProcess) feed() {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		watchdog = 0
	}
	if err := p.link.send(message{Kind: helloMessage, Listeners: len(p.runner.listeners), Watchdog: watchdog, Replaces: p.replaces}); err != nil {
		p.fail(err)
		return
	}
	updates := p.runner.checks.NewFeed()
	for first := true; ; first = false {
		select {
		case <-p.done:
			return
		case <-p.wakeup:
		}
		err := updates.Updates(func(b []byte) error { return p.link.send(message{Kind: updateMessage, body: b}) })
		if first && err == nil {
			err = p.link.send(message{Kind: completeMessage})
		}
		if err != nil {
			p.fail(err)
			return
		}
	}
}

// wake has the changes of checks sent.
func (p *childProcess) wake() {
	select {
	case p.wakeup <- struct{}{}:
	default: // they will be
	}
}

// ask sends a message and returns the answer with its number.
func (p *childProcess) ask(ctx context.Context, m message, timeout time.Duration) (message, error) {
	if err := p.link.send(m); err != nil {
		return message{}, err
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		select {
		case answer := <-p.answers:
			if answer.ID == m.ID { // not a late one
				return answer, nil
			}
		case <-p.done:
			return message{}, p.err()
		case <-timer.C:
			return message{}, fmt.Errorf("no answer after %v", timeout)
		case <-ctx.Done():
			return message{}, context.Cause(ctx)
		}
	}
}

// requestEnd has the process finish its requests. It returns when it accepts no more
// connections, or after a moment.
func (p *childProcess) requestEnd() {
	_ = p.link.send(message{Kind: endMessage}) // a broken link ends it, too
	select {
	case <-p.stops:
	case <-p.done:
	case <-time.After(time.Second):
	}
}

// end has the process finish its requests, and kills it if it takes too long.
func (p *childProcess) end(timeout time.Duration) {
	p.requestEnd()
	select {
	case <-p.done:
	case <-time.After(timeout):
		p.kill()
	}
}

// kill kills the process and waits for its end.
func (p *childProcess) kill() {
	_ = p.process.Kill()
	<-p.done
}

// fail kills a process whose link is broken.
func (p *childProcess) fail(err error) {
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) { // which come with the end of the process
		p.mu.Lock()
		if p.linkErr == nil {
			p.linkErr = err
		}
		p.mu.Unlock()
	}
	select {
	case <-p.done:
	case <-time.After(time.Second): // it may be ending, with a better reason
		_ = p.process.Kill()
	}
}

func (p *childProcess) setStatus(status string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statusLine = strings.ReplaceAll(status, "\n", " ") // one line is one state
}

// status returns the last status line of the process.
func (p *childProcess) status() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.statusLine
}

// exitedWell reports whether a process that has ended did so without an error.
func (p *childProcess) exitedWell() bool { return p.state != nil && p.state.Success() }

// err returns how a process has ended.
func (p *childProcess) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == nil:
		return errors.New("the serving process has ended")
	case p.state.Exited() || p.linkErr == nil:
		return fmt.Errorf("the serving process has ended: %s", p.state)
	}
	return fmt.Errorf("the serving process has ended: %s, %w", p.state, p.linkErr)
}
