package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
)

// MaxUpdate is the maximum size of an update of a Feed in bytes.
const MaxUpdate = maxFamilyBytes + 1<<20

// A Feed has the changes of checks for one Mirror in another process. It is not safe
// for concurrent use.
type Feed struct {
	checks *Checks
	sent   map[string]sentState // by check
}

// A sentState is what a mirror has of a check.
type sentState struct {
	revision    uint64
	publication *merge.Source
}

// NewFeed returns a feed whose first updates have all checks.
func (c *Checks) NewFeed() *Feed { return &Feed{checks: c, sent: map[string]sentState{}} }

// Updates calls send for each check that has changed since the last call, or that is
// gone. After an error of send, the feed is useless.
func (f *Feed) Updates(send func(update []byte) error) error {
	present := map[string]bool{}
	for _, s := range f.checks.source.States(nil) {
		name := s.Definition.Name
		present[name] = true
		last, known := f.sent[name]
		if known && last.revision == s.Revision {
			continue
		}
		b, err := encodeState(&s, s.Publication != last.publication)
		if err != nil {
			return fmt.Errorf("check %s: %w", name, err)
		}
		if err := send(b); err != nil {
			return err
		}
		f.sent[name] = sentState{s.Revision, s.Publication}
	}
	for name := range f.sent {
		if present[name] {
			continue
		}
		delete(f.sent, name)
		b, err := json.Marshal(update{Name: name, Removed: true})
		if err == nil {
			err = send(append(b, '\n'))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An update is the state of a check at one moment, in JSON. Its families follow it if
// they have changed. It has no environment of a check, and nothing else that is not
// shown.
type update struct {
	Name    string
	Removed bool `json:",omitempty"`

	Description string        `json:",omitempty"`
	Command     []string      `json:",omitempty"`
	Format      output.Format `json:",omitempty"`
	Shell       bool          `json:",omitempty"`

	User     string
	Sandbox  sandbox.Mode
	Interval time.Duration

	Runs                   uint64
	Failures, Skips, Drops scheduler.Counts `json:",omitempty"`
	CPU                    time.Duration
	CPUKnown               bool

	Running, Waiting, Suspended                  bool
	RunStarted, Next, LastRun, LastSuccess       time.Time
	HasRun                                       bool
	Recent                                       []scheduler.Run `json:",omitempty"`
	LastOutcome                                  outcome
	HasPublished, Publishes, FamiliesHaveChanged bool
	ExpiresIn                                    time.Duration // 0: never
}

// An outcome is a scheduler.Outcome that JSON can represent.
type outcome struct {
	Reason      scheduler.Reason `json:",omitempty"`
	Err         string           `json:",omitempty"`
	Duration    time.Duration
	HasExitCode bool
	ExitCode    int
	CPUKnown    bool
	CPU         time.Duration
	MaxRSS      int64
	Drops       scheduler.Counts `json:",omitempty"`
	Problems    []string         `json:",omitempty"`
	Stderr      string           `json:",omitempty"`
}

// encodeState returns an update with a state, and with its families if they have
// changed.
func encodeState(s *scheduler.State, familiesHaveChanged bool) ([]byte, error) {
	d, o := &s.Definition, &s.LastOutcome
	u := update{
		Name: d.Name, Description: d.Description, Command: d.Command, Format: d.Output.Format, Shell: d.Shell,
		User: s.User, Sandbox: s.Sandbox, Interval: s.Interval,
		Runs: s.Runs, Failures: s.Failures, Skips: s.Skips, Drops: s.Drops, CPU: s.CPU, CPUKnown: s.CPUKnown,
		Running: s.Running, Waiting: s.Waiting, Suspended: s.Suspended,
		RunStarted: s.RunStarted, Next: s.Next, LastRun: s.LastRun, LastSuccess: s.LastSuccess, HasRun: s.HasRun, Recent: s.Recent,
		LastOutcome: outcome{
			Reason: o.Reason, Duration: o.Duration, HasExitCode: o.HasExitCode, ExitCode: o.ExitCode,
			CPUKnown: o.CPUKnown, CPU: o.CPU, MaxRSS: o.MaxRSS, Drops: o.Drops, Problems: o.Problems, Stderr: o.Stderr,
		},
		HasPublished: s.HasPublished, Publishes: s.Publication != nil, FamiliesHaveChanged: familiesHaveChanged,
	}
	if o.Err != nil {
		u.LastOutcome.Err = o.Err.Error()
	}
	if !s.Expires.IsZero() {
		u.ExpiresIn = max(time.Until(s.Expires), 1)
	}
	head, err := json.Marshal(u)
	if err != nil {
		return nil, err
	}
	head = append(head, '\n')
	if !familiesHaveChanged || s.Publication == nil {
		return head, nil
	}
	return appendFamilies(head, s.Publication.Families)
}

// decodeState returns the state of an update. Its families are those of previous, the
// last state of this check, if they have not changed.
func decodeState(b []byte, previous func(name string) *scheduler.State) (u update, s scheduler.State, err error) {
	head, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return u, s, errors.New("want an update with a line, have none")
	}
	if err := json.Unmarshal(head, &u); err != nil {
		return u, s, err
	}
	s = scheduler.State{
		User: u.User, Sandbox: u.Sandbox, Interval: u.Interval,
		Runs: u.Runs, Failures: u.Failures, Skips: u.Skips, Drops: u.Drops, CPU: u.CPU, CPUKnown: u.CPUKnown,
		Running: u.Running, Waiting: u.Waiting, Suspended: u.Suspended,
		RunStarted: u.RunStarted, Next: u.Next, LastRun: u.LastRun, LastSuccess: u.LastSuccess, HasRun: u.HasRun, Recent: u.Recent,
		LastOutcome: scheduler.Outcome{
			Reason: u.LastOutcome.Reason, Duration: u.LastOutcome.Duration, HasExitCode: u.LastOutcome.HasExitCode, ExitCode: u.LastOutcome.ExitCode,
			CPUKnown: u.LastOutcome.CPUKnown, CPU: u.LastOutcome.CPU, MaxRSS: u.LastOutcome.MaxRSS, Drops: u.LastOutcome.Drops, Problems: u.LastOutcome.Problems, Stderr: u.LastOutcome.Stderr,
		},
		HasPublished: u.HasPublished,
	}
	d := &s.Definition
	d.Name, d.Description, d.Command, d.Output.Format, d.Shell, d.User = u.Name, u.Description, u.Command, u.Format, u.Shell, u.User
	if u.LastOutcome.Err != "" {
		s.LastOutcome.Err = errors.New(u.LastOutcome.Err)
	}
	if !u.Publishes {
		return u, s, nil
	}
	if u.ExpiresIn > 0 {
		s.Expires = time.Now().Add(u.ExpiresIn)
	}
	if !u.FamiliesHaveChanged {
		if p := previous(u.Name); p != nil {
			s.Publication, s.Series = p.Publication, p.Series
		}
		return u, s, nil
	}
	families, err := decodeFamilies(rest, output.MaxSeriesLimit)
	if err != nil {
		return u, s, err
	}
	s.Publication = &merge.Source{Name: u.Name, Families: families}
	for _, f := range families {
		s.Series += len(f.GetMetric())
	}
	return u, s, nil
}
