package checks

import (
	"strings"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// landlock has the version of this host's Landlock, which it reads at the first check
// with a sandbox.
type landlock struct {
	version func() (int, error)

	mu       sync.Mutex
	warnings map[string]sandbox.Mode // by check: modes that are not enforced
}

func newLandlock(version func() (int, error)) *landlock {
	if version == nil {
		version = sandbox.Version
	}
	return &landlock{version: sync.OnceValues(version)}
}

// effective returns what this host enforces of a mode: None if the version is unknown,
// in which case no check with a sandbox runs.
func (l *landlock) effective(mode sandbox.Mode) sandbox.Mode {
	if !mode.Enabled() {
		return sandbox.None
	}
	version, err := l.version()
	if err != nil {
		return sandbox.None
	}
	return mode.Effective(version)
}

// warn logs, once, the checks whose sandbox is not enforced.
func (l *landlock) warn(logger log.Logger, definitions []Definition) {
	added := l.newlyWeaker(definitions)
	if len(added) == 0 || logger == nil {
		return
	}
	version, err := l.version()
	_ = level.Warn(logger).Log("msg", "Kernel does not enforce the whole sandbox of checks", "landlock", version, "err", err, "checks", strings.Join(added, ","))
}

// newlyWeaker returns the checks whose sandbox is not enforced, without those of
// the call before.
func (l *landlock) newlyWeaker(definitions []Definition) (added []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	weaker := map[string]sandbox.Mode{}
	for _, d := range definitions {
		if !d.Enabled || !d.Sandbox.Enabled() || l.effective(d.Sandbox) == d.Sandbox {
			continue
		}
		weaker[d.Name] = d.Sandbox
		if l.warnings[d.Name] != d.Sandbox {
			added = append(added, d.Name)
		}
	}
	l.warnings = weaker
	return added
}
