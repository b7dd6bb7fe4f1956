package exporter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks"
)

const (
	serveName       = "host_exporter-serve" // argv[0] of the process that a runner starts
	linkFD          = 3                     // its link to the runner
	firstListenerFD = 4
)

// reloadTimeout is how long a reload may take, with the start of a new process.
const reloadTimeout = 60 * time.Second

// errRunnerGone ends a process whose runner has ended.
var errRunnerGone = errors.New("the runner has ended")

// StartedByRunner reports whether a Runner started this process to serve.
func StartedByRunner() bool {
	var st unix.Stat_t
	return len(os.Args) > 0 && os.Args[0] == serveName && unix.Fstat(linkFD, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK
}

// A child is serve's end of the link to the runner that started this process.
type child struct {
	link     *link
	mirror   *checks.Mirror
	watchdog time.Duration

	complete chan struct{} // closed when the mirror has all checks
	loads    chan message  // to load the configuration
	results  chan error    // of the reload that was requested
	request  sync.Mutex    // one reload at a time

	dropsLock sync.Mutex
	drops     map[drop]int  // to report
	dropped   chan struct{} // there are some
}

// A drop is the kind of series that were dropped of a check.
type drop struct{ check, reason string }

// ServeForRunner serves in a process that a Runner started, with its listeners, until
// ctx is done or the runner ends the process.
func ServeForRunner(ctx context.Context, c Config, toolkit *web.FlagConfig, logger *slog.Logger) error {
	conn, err := net.FileConn(os.NewFile(linkFD, "link"))
	if err != nil {
		return err
	}
	defer conn.Close()
	unix.CloseOnExec(linkFD)
	l := newServeLink(conn)
	hello, err := l.receive()
	if err != nil || hello.Kind != helloMessage {
		return fmt.Errorf("%w: want its first message, have %q, %w", errRunnerGone, hello.Kind, err)
	}
	var listeners []net.Listener
	defer func() { closeListeners(listeners) }()
	for i := range hello.Listeners {
		l, err := InheritedListener(os.NewFile(uintptr(firstListenerFD+i), "listener"))
		if err != nil {
			return err
		}
		listeners = append(listeners, l)
	}
	// Process lists show the name of the file otherwise, exe. It is a courtesy.
	_ = os.WriteFile("/proc/self/comm", []byte("host_exporter"), 0)
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	k := &child{
		link: l, watchdog: hello.Watchdog, complete: make(chan struct{}),
		loads: make(chan message, 1), results: make(chan error, 1),
		drops: map[drop]int{}, dropped: make(chan struct{}, 1),
	}
	k.mirror = checks.NewMirror(k.countDrops)
	go k.receive(end)
	go k.sendDrops(ctx)
	c.child = k
	e, err := New(c)
	if err != nil {
		return err
	}
	if hello.Replaces {
		e.logReload(e.Names())
	} else {
		e.logCollectors()
	}
	go k.loadOn(ctx, e)
	select {
	case <-k.complete:
	case <-ctx.Done():
	}
	err = e.ServeOn(ctx, listeners, toolkit, logger, nil)
	if cause := context.Cause(ctx); errors.Is(cause, errRunnerGone) {
		return cause
	}
	return err
}

// receive takes messages until the runner is gone.
func (k *child) receive(end context.CancelCauseFunc) {
	for {
		m, err := k.link.receive()
		if err != nil {
			end(fmt.Errorf("%w: %w", errRunnerGone, err))
			return
		}
		switch m.Kind {
		case updateMessage:
			if err := k.mirror.Update(m.body); err != nil {
				end(fmt.Errorf("%w: an update: %w", errRunnerGone, err))
				return
			}
		case completeMessage:
			close(k.complete) // it comes once
		case loadMessage:
			k.loads <- m // the runner waits for the answer before it sends another one
		case resultMessage:
			select {
			case k.results <- errorOf(m.Err):
			default: // the request was abandoned
			}
		case endMessage:
			end(nil)
		}
	}
}

// errorOf returns an error with a text, or nil if it is empty.
func errorOf(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// loadOn loads the configuration when the runner says so, or records why the runner
// could not.
func (k *child) loadOn(ctx context.Context, e *Exporter) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-k.loads:
			err := e.reload(func() (warnings []string, err error) {
				if err := errorOf(m.Err); err != nil {
					return nil, err
				}
				return e.load()
			})
			answer := message{Kind: loadedMessage, ID: m.ID, Status: e.statusLine()}
			if err != nil {
				answer.Err = err.Error()
				_, answer.NeedsRestart = errors.AsType[*NeedsRestartError](err)
			}
			_ = k.link.send(answer) // without a runner, receive ends the process
		}
	}
}

// requestReload has the runner reload the configuration, and returns the result.
func (k *child) requestReload() error {
	k.request.Lock()
	defer k.request.Unlock()
	select {
	case <-k.results: // of a request that was abandoned
	default:
	}
	if err := k.link.send(message{Kind: reloadMessage}); err != nil {
		return err
	}
	select {
	case err := <-k.results:
		return err
	case <-time.After(reloadTimeout + linkTimeout):
		return errors.New("the reload takes too long")
	}
}

// countDrops notes series that were dropped of a check. It does not block a scrape.
func (k *child) countDrops(check, reason string, n int) {
	k.dropsLock.Lock()
	k.drops[drop{check, reason}] += n
	k.dropsLock.Unlock()
	select {
	case k.dropped <- struct{}{}:
	default:
	}
}

// sendDrops reports dropped series to the runner, which has the counters.
func (k *child) sendDrops(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.dropped:
		}
		k.dropsLock.Lock()
		drops := k.drops
		k.drops = map[drop]int{}
		k.dropsLock.Unlock()
		for d, n := range drops {
			_ = k.link.send(message{Kind: dropsMessage, Check: d.check, Reason: d.reason, N: n})
		}
	}
}

func (k *child) notifyReady(status string) {
	_ = k.link.send(message{Kind: readyMessage, Status: status})
}

func (k *child) notifyStatus(status string) {
	_ = k.link.send(message{Kind: statusMessage, Status: status})
}

// notifyReloading does nothing: the runner knows.
func (k *child) notifyReloading() {}

func (k *child) notifyStopping() { _ = k.link.send(message{Kind: stoppingMessage}) }

func (k *child) notifyWatchdog(ctx context.Context) {
	twiceIn(ctx, k.watchdog, func() { _ = k.link.send(message{Kind: watchdogMessage}) })
}
