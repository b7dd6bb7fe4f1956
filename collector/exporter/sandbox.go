package exporter

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/seal"
)

// A NeedsRestartError is the error of a reload whose configuration needs what the
// sandbox does not allow: a process cannot get back what it gave away. The previous
// configuration stays in effect.
type NeedsRestartError struct {
	Lacks []string // paths, capabilities, and layers that would have to be off
}

func (e *NeedsRestartError) Error() string {
	return "the sandbox does not allow what the configuration needs: restart the exporter"
}

// Detail returns the error with what is lacking, which the configuration file names.
func (e *NeedsRestartError) Detail() string {
	return fmt.Sprintf("%s (%s)", e.Error(), strings.Join(e.Lacks, ", "))
}

// A sandbox is what confines the process.
type sandbox struct {
	report atomic.Pointer[seal.Report] // nil: nothing yet
}

// seal enforces the sandbox on the process, which cannot be undone. It allows to read
// some more files.
func (e *Exporter) seal(files ...string) error {
	if e.config.Sandbox == "" || e.sandbox.report.Load() != nil {
		return nil
	}
	_, _ = time.Now().Local().Zone() // reads the time zone, which is a file
	g := *e.current.Load()
	if !e.startsChecks {
		g.checks = nil
	}
	needs := e.needs(&g)
	needs.Read = append(needs.Read, files...)
	report, err := seal.Enforce(needs, seal.Mode(e.config.Sandbox))
	e.sandbox.report.Store(&report)
	switch {
	case err != nil:
		return err
	case e.config.Sandbox == string(seal.Off), report.Complete():
	case report.Has(seal.Unavailable):
		_ = level.Warn(e.config.Log).Log("msg", "Sandbox is not complete", "layers", report)
	default:
		_ = level.Info(e.config.Log).Log("msg", "Sandbox is not complete", "layers", report)
	}
	return nil
}

// explain returns what the sandbox lacks for a new generation, and otherwise the error
// that loading it had: what the sandbox denies looks missing.
func (e *Exporter) explain(next *generation, err error) error {
	report := e.sandbox.report.Load()
	if report == nil {
		return err
	}
	if lacks := report.Lacks(e.needs(next)); lacks != nil {
		_ = level.Info(e.config.Log).Log("msg", "Configuration needs what the sandbox does not allow", "lacks", strings.Join(lacks, ", "))
		return &NeedsRestartError{lacks}
	}
	return err
}

// String returns the state of the layers in one line.
func (s *sandbox) String() string {
	report := s.report.Load()
	if report == nil {
		return "not in effect"
	}
	return report.String()
}

// declare adds the states to every scrape.
func (s *sandbox) declare(engine *scrape.Engine) {
	f := engine.Families().Gauge("host_exporter_sandbox", "State of each layer of the exporter's sandbox, as 1.", "layer", "state")
	engine.OnScrape(func(out *metric.Sink) {
		report := s.report.Load()
		if report == nil {
			return
		}
		for _, l := range report.Layers {
			out.Emit(f, 1, string(l.Layer), string(l.State))
		}
	})
}
