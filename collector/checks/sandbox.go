package checks

import (
	"strings"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// landlock is what this host has for sandboxes. The kernel is asked when the
// first check wants one.
type landlock struct {
	version func() (int, error)

	mu     sync.Mutex
	warned map[string]sandbox.Mode // what checks asked for and do not get
}

func newLandlock(version func() (int, error)) *landlock {
	if version == nil {
		version = sandbox.Version
	}
	return &landlock{version: sync.OnceValues(version)}
}

// effective returns what becomes of a sandbox on this host. Where the kernel
// does not say what it has, no check with a sandbox is run.
func (l *landlock) effective(asked sandbox.Mode) sandbox.Mode {
	if !asked.Enabled() {
		return sandbox.None
	}
	version, err := l.version()
	if err != nil {
		return sandbox.None
	}
	return asked.Effective(version)
}

// warn logs once which checks do not get the sandbox that they ask for.
func (l *landlock) warn(logger log.Logger, definitions []Definition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	less, news := map[string]sandbox.Mode{}, []string(nil)
	for _, d := range definitions {
		if !d.Enabled || !d.Sandbox.Enabled() || l.effective(d.Sandbox) == d.Sandbox {
			continue
		}
		less[d.Name] = d.Sandbox
		if l.warned[d.Name] != d.Sandbox {
			news = append(news, d.Name)
		}
	}
	l.warned = less
	if len(news) == 0 || logger == nil {
		return
	}
	version, err := l.version()
	_ = level.Warn(logger).Log("msg", "The kernel cannot give checks the whole of their sandbox", "landlock", version, "err", err, "checks", strings.Join(news, ","))
}
