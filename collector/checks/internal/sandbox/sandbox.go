// Package sandbox restricts what a program may write to, with Landlock, which
// needs no privileges.
//
// It restricts one thread and the processes that the thread starts, not all threads:
// a restricted supervisor could neither kill a control group nor remove files, and
// one more process for each run would double the cost of a run.
package sandbox

import "github.com/hostexporter/host_exporter/collector/internal/landlock"

// A Mode is how much a sandbox restricts.
type Mode string

const (
	// None: no restrictions. The empty Mode is the same.
	None Mode = "none"
	// Net: writes only to allowed paths, and no signals to processes outside.
	Net Mode = "net"
	// Strict: as Net, and no TCP.
	Strict Mode = "strict"
	// Partial: a part of Net or Strict, where the kernel's Landlock lacks the rest.
	// It cannot be configured.
	Partial Mode = "partial"
)

// Modes returns the modes that can be configured.
func Modes() []string { return []string{string(None), string(Net), string(Strict)} }

// Enabled reports whether the mode restricts anything.
func (m Mode) Enabled() bool { return m != "" && m != None }

// Effective returns what a kernel with this version of Landlock enforces of a
// mode.
func (m Mode) Effective(version int) Mode {
	switch {
	case !m.Enabled() || version <= 0:
		return None
	case version < landlock.FullVersion:
		return Partial
	}
	return m
}

// Version returns the version of the kernel's Landlock; 0 is none.
func Version() (int, error) { return landlock.Version() }
