package exporter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/go-kit/log/level"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Runner keeps the privileges and the listeners of the exporter, runs the checks of
// the configuration file, and has a child process serve: an Exporter without privileges
// that it does not need. Nothing that the child sends can name a command.
type Runner struct {
	config    Config
	toolkit   *web.FlagConfig
	args      []string // of the child
	host      *host.Host
	reader    configurationReader
	checks    *checks.Checks
	listeners []net.Listener
	manager   systemd

	serve    *childProcess // that serves now
	live     liveServes
	requests chan *childProcess
	draining sync.WaitGroup // serves that finish their requests
	nextID   uint64
	ownUser  sync.Once // logs that checks run as the exporter's user
}

// NewRunner returns a runner for the configuration file, which is required. It starts
// the program of this process again with args, and the program then calls
// ServeForRunner with the same configuration.
func NewRunner(c Config, toolkit *web.FlagConfig, args []string) *Runner {
	r := &Runner{
		config: c, toolkit: toolkit, args: args, host: host.Live(c.Paths), manager: systemd{c.Log},
		requests: make(chan *childProcess, 1),
	}
	u, _ := r.host.Uname() // without a name the checks are not spread
	o := c.checkOptions(u.Nodename, r.host.Now, c.delegatedGroups)
	o.Changed = r.live.wake
	r.checks = checks.New(o)
	r.reader = configurationReader{path: c.File, specs: collect.Specs(collector.DomainsWith(r.checks.Specs()))}
	return r
}

// Run runs checks and has a child serve, until ctx is done. Each signal from hangup
// reloads the configuration; so does a request to the child. Run notifies the service
// manager, if there is one.
func (r *Runner) Run(ctx context.Context, hangup <-chan os.Signal) (err error) {
	// The kernel ends a child when the thread ends that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Other processes of its user must not look into it, or change it.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if err := r.load(); err != nil {
		return err
	}
	if r.listeners, err = Listen(r.toolkit); err != nil {
		return err
	}
	defer closeListeners(r.listeners)
	if r.serve, err = r.startServe(); err != nil {
		return err
	}
	defer func() { r.stop(ctx.Err() != nil) }()
	if err := r.awaitReady(ctx, r.serve, nil); err != nil || ctx.Err() != nil {
		return err
	}
	r.manager.notifyReady(r.serve.status())
	r.checks.Start()
	debug.FreeOSMemory() // what reading the configuration took
	for _, m := range programMappings() {
		m.unmap()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.serve.done:
			if r.serve.exitedWell() { // somebody has ended it, as service managers do
				return nil
			}
			return r.serve.err()
		case <-hangup:
			r.manager.notifyReloading()
			_ = r.reload(ctx) // serve logs and shows it
			r.manager.notifyReady(r.serve.status())
		case from := <-r.requests:
			result := message{Kind: resultMessage}
			if err := r.reload(ctx); err != nil {
				result.Err = err.Error()
			}
			_ = from.link.send(result) // a broken link ends the process
			r.manager.notifyStatus(r.serve.status())
		}
	}
}

// load reads the configuration file and applies its checks. On an error it changes
// nothing.
func (r *Runner) load() error {
	c, err := r.reader.read()
	if err != nil {
		return err
	}
	if len(c.definitions) > 0 && r.config.CheckUser != "" && !checks.CanChangeUsers() {
		r.ownUser.Do(func() {
			_ = level.Warn(r.config.Log).Log("msg", "Checks run as the user of the exporter, which may not change users", "uid", os.Geteuid())
		})
	}
	return r.checks.Apply(c.definitions)
}

// reload loads the configuration file in both processes. If it fails in one of them,
// the previous configuration stays in effect in both. A serve whose sandbox does not
// allow the new configuration, or that does not answer, is replaced.
func (r *Runner) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	defer debug.FreeOSMemory()
	c, err := r.reader.read()
	if err != nil {
		_, _ = r.askToLoad(ctx, err)
		return err
	}
	answer, err := r.askToLoad(ctx, nil)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil || answer.NeedsRestart:
		if err != nil {
			_ = level.Error(r.config.Log).Log("msg", "The serving process does not answer: starting another one", "err", err)
		}
		if err := r.replaceServe(ctx); err != nil {
			_, _ = r.askToLoad(ctx, err)
			return err
		}
	case answer.Err != "":
		return errors.New(answer.Err)
	}
	return r.checks.Apply(c.definitions) // no file has an error here: reading it finds them all
}

// loadTimeout is how long serve may take to load the configuration, which it abandons
// before.
const loadTimeout = 30 * time.Second

// askToLoad has serve load the configuration, or record why that failed already.
func (r *Runner) askToLoad(ctx context.Context, failure error) (message, error) {
	r.nextID++
	m := message{Kind: loadMessage, ID: r.nextID}
	if failure != nil {
		m.Err = failure.Error()
	}
	return r.serve.ask(ctx, m, loadTimeout)
}

// replaceServe starts a new serve, and ends the old one when the new one is ready. Both
// accept connections for a moment, so that no scrape is lost.
func (r *Runner) replaceServe(ctx context.Context) error {
	next, err := r.startServe()
	if err != nil {
		return err
	}
	if err := r.awaitReady(ctx, next, r.serve); err != nil {
		next.kill()
		return err
	}
	old := r.serve
	r.serve = next
	old.requestEnd() // whoever requested the reload must not meet the old one again
	_ = level.Info(r.config.Log).Log("msg", "Started a new serving process for the configuration", "pid", next.process.Pid)
	r.draining.Go(func() { old.end(drainTimeout) })
	return nil
}

// awaitReady waits until a serve is ready. It is an error if it ends before, or if the
// one that serves does.
func (r *Runner) awaitReady(ctx context.Context, next, serving *childProcess) error {
	var ended <-chan struct{}
	if serving != nil {
		ended = serving.done
	}
	select {
	case <-next.ready:
		return nil
	case <-next.done:
		return next.err()
	case <-ended:
		return serving.err()
	case <-ctx.Done():
		if serving == nil {
			return nil // the service is to end before it was ready
		}
		return context.Cause(ctx)
	}
}

// stop ends the serves and the checks. It waits for the requests in progress, and for the
// checks.
func (r *Runner) stop(regular bool) {
	if regular {
		r.manager.notifyStopping()
	}
	r.draining.Go(func() { r.serve.end(drainTimeout) })
	r.config.stopChecks(r.checks)
	r.draining.Wait()
}

// relay passes a notification of the serve that serves to the service manager. Only
// known ones arrive here.
func (r *Runner) relay(from *childProcess, m message) {
	switch m.Kind {
	case watchdogMessage:
		r.manager.notify(daemon.SdNotifyWatchdog)
	case reloadMessage:
		select {
		case r.requests <- from:
		default: // it may wait for one at a time
		}
	case dropsMessage:
		if m.Reason == "conflict" || m.Reason == "reserved" {
			r.checks.CountDrops(m.Check, m.Reason, min(max(m.N, 0), maxDrops))
		}
	}
}

// maxDrops is the maximum number of drops in a message that counts.
const maxDrops = 1 << 20

// serveUser returns the attributes of a process of Config.User.
func (r *Runner) serveUser() (*checks.Credential, error) {
	c, err := checks.NewCredential(r.config.User)
	if err != nil {
		return nil, fmt.Errorf("--runtime.user=%s: %w", r.config.User, err)
	}
	return c, nil
}
