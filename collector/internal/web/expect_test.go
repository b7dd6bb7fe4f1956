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

// one is a collector of one sample.
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

// TestExpectations asks for all collectors and for some, on both roads, before
// and after what is expected has changed.
func TestExpectations(t *testing.T) {
	units := []*collect.Unit{oneUnit(t, "a"), oneUnit(t, "b")}
	var expected atomic.Pointer[expect.Set]
	m := NewMetrics(MetricsConfig{
		Engine:  scrape.NewEngine(),
		Current: func() ([]*collect.Unit, *expect.Set) { return units, expected.Load() },
		Known:   func(string) bool { return true },
		Log:     log.NewNopLogger(),
	})
	become := func(expression string) {
		x, err := expect.New("x", expression)
		if err != nil {
			t.Fatal(err)
		}
		expected.Store(expect.NewSet(x))
	}
	ask := func(query string) string {
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
				if have := ask(query + road); have != w {
					t.Errorf("%s, %s%s: %s, want %s", what, query, road, have, w)
				}
			}
		}
	}
	check("nothing expected", map[string]string{"": "absent"})
	become("node_b == 1")
	check("b expected", map[string]string{"": "1", "collect[]=b": "1", "collect[]=a": "absent", "exclude[]=a": "1", "exclude[]=b": "absent"})
	become("node_c == 1")
	check("c expected", map[string]string{"": "0", "collect[]=a": "absent", "exclude[]=a": "absent"})
	expected.Store(nil)
	check("nothing expected again", map[string]string{"": "absent"})
}
