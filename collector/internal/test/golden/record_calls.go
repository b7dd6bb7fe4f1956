package golden

import (
	"context"
	"strings"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// RecordCalls runs a collector on a host and returns the answers of system calls and
// services that it gets. It hides no addresses in messages: make an own network namespace
// for what is to be published, or take a snapshot, which is redacted.
func RecordCalls(h *host.Host, spec collect.Spec) ([]Entry, error) {
	r := snapshot.NewRecorder(h)
	set := metric.NewSet()
	collector, err := spec.Build.New(&collect.Env{Host: r.Host(), Metrics: set, Log: log.NewNopLogger(), Reserved: notReserved}, nil)
	if err != nil {
		return nil, err
	}
	// What fails is recorded too.
	_ = collector.Update(context.Background(), metric.NewSink(set))
	var calls []Entry
	for _, e := range r.Archive().Entries {
		if strings.HasPrefix(e.Path, "syscall/") {
			calls = append(calls, e)
		}
	}
	return calls, nil
}
