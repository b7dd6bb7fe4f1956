package web

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// A one is a collector of one sample.
type one struct{ family *metric.Family }

func (c *one) Update(_ context.Context, out *metric.Sink) error {
	out.Emit(c.family, 1)
	return nil
}

func oneUnit(t *testing.T, name string) *collect.Unit {
	t.Helper()
	spec := collect.Spec{Name: name, Build: collect.Plain(func(env *collect.Env) *one {
		return &one{env.Metrics.Gauge("node_"+name, "One.")}
	})}
	u, err := collect.NewUnit(spec, &host.Host{Now: time.Now}, log.NewNopLogger(), func(string) bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestExpectations requests all collectors and some of them, on both roads,
// before and after the expectations change.
func TestExpectations(t *testing.T) {
	units := []*collect.Unit{oneUnit(t, "a"), oneUnit(t, "b")}
	var current atomic.Pointer[expect.Set]
	m := NewMetrics(MetricsConfig{
		Engine:  scrape.NewEngine(),
		Current: func() ([]*collect.Unit, *expect.Set) { return units, current.Load() },
		Known:   func(string) bool { return true },
		Log:     log.NewNopLogger(),

		Connections: NewConnections(1024),
	})
	setExpectation := func(expression string) {
		x, err := expect.New("x", expression)
		if err != nil {
			t.Fatal(err)
		}
		current.Store(expect.NewSet(x))
	}
	evaluate := func(query string) string {
		rec := httptest.NewRecorder()
		m.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics?"+query, nil))
		for line := range strings.Lines(rec.Body.String()) {
			if strings.HasPrefix(line, "host_exporter_expectation_ok{") {
				return strings.TrimSpace(line[strings.LastIndexByte(line, ' '):])
			}
		}
		return "absent"
	}
	check := func(what string, want map[string]string) {
		for query, w := range want {
			for _, road := range []string{"", "&checked=1"} {
				if have := evaluate(query + road); have != w {
					t.Errorf("%s, %s%s: %s, want %s", what, query, road, have, w)
				}
			}
		}
	}
	check("no expectation", map[string]string{"": "absent"})
	setExpectation("node_b == 1")
	check("b", map[string]string{"": "1", "collect[]=b": "1", "collect[]=a": "absent", "exclude[]=a": "1", "exclude[]=b": "absent"})
	setExpectation("node_c == 1")
	check("c", map[string]string{"": "0", "collect[]=a": "absent", "exclude[]=a": "absent"})
	current.Store(nil)
	check("no expectation again", map[string]string{"": "absent"})
}
