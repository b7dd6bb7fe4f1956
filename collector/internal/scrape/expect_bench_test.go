package scrape

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A many is a collector of ten families with ten series each.
type many struct{ families []*metric.Family }

func (c *many) Update(_ context.Context, out *metric.Sink) error {
	for _, f := range c.families {
		for i := range 10 {
			out.Emit(f, float64(i), devices[i])
		}
	}
	return nil
}

var devices = [...]string{"eth0", "eth1", "eth2", "eth3", "eth4", "eth5", "eth6", "eth7", "eth8", "eth9"}

// BenchmarkExpect scrapes 50 collectors with 5000 series, and evaluates 100
// expectations of 25 of their 500 families.
func BenchmarkExpect(b *testing.B) {
	var units []*collect.Unit
	for i := range 50 {
		spec := collect.Spec{Name: fmt.Sprintf("c%d", i), Build: collect.Plain(func(env *collect.Env) *many {
			c := &many{}
			for j := range 10 {
				c.families = append(c.families, env.Metrics.Gauge(fmt.Sprintf("node_%d_%d", i, j), "Many.", "device"))
			}
			return c
		})}
		u, err := collect.NewUnit(spec, &host.Host{Now: time.Now}, log.NewNopLogger(), noneReserved, nil)
		if err != nil {
			b.Fatal(err)
		}
		units = append(units, u)
	}
	var list []*expect.Expectation
	for i := range 100 {
		x, err := expect.New(fmt.Sprintf("x%d", i), fmt.Sprintf(`count(node_%d_5{device!="eth9"} >= 5) >= 4`, i%25))
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, x)
	}
	for name, set := range map[string]*expect.Set{"nothing": nil, "100": expect.NewSet(list...)} {
		b.Run(name, func(b *testing.B) {
			engine := NewEngine()
			var text []byte
			b.ReportAllocs()
			for b.Loop() {
				text = engine.AppendText(context.Background(), text[:0], Request{Units: units, Expect: set})
			}
		})
	}
}
