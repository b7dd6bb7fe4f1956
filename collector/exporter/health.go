package exporter

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/internal/health"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/web"
)

// HealthOptions are the options of Health.
type HealthOptions struct {
	Format string // text, json or nagios
	URL    string // of a running exporter: http://, https:// or unix://PATH; empty: collect once
}

// HealthFormats are the formats of Health.
func HealthFormats() []string { return slices.Clone(health.Formats) }

// A HealthError says that a host has problems. It is no failure of the command.
type HealthError struct {
	Verdict string // warning or critical
	code    int
}

func (e *HealthError) Error() string { return "the health of the host is " + e.Verdict }

// ExitCode returns 1 for warning and 2 for critical, as monitoring plugins do.
func (e *HealthError) ExitCode() int { return e.code }

// healthError returns the error for a verdict; nil for ok.
func healthError(verdict string) error {
	switch verdict {
	case "ok":
		return nil
	case health.Warning.String():
		return &HealthError{verdict, 1}
	case health.Critical.String():
		return &HealthError{verdict, 2}
	}
	return fmt.Errorf("want a verdict of ok, warning or critical, have %.40q", verdict)
}

// Health collects once, evaluates the health rules and writes their report. The
// error is a HealthError if there are problems other than notes.
func (e *Exporter) Health(ctx context.Context, out io.Writer, o HealthOptions) error {
	if err := e.checkRoots(); err != nil {
		return err
	}
	report, err := e.judge(ctx, scrape.Request{}, nil)
	if err != nil {
		return err
	}
	text, err := report.Format(o.Format, e.hostname())
	if err != nil {
		return err
	}
	if o.Format == "text" && len(e.current.Load().checks) > 0 {
		text = append(text, "\nChecks are not judged: ask the exporter that runs them with --url.\n"...)
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	return healthError(report.Verdict())
}

// RemoteHealth writes the report of a running exporter, which knows its checks
// and since when it has seen each problem. The error is as that of Health.
func RemoteHealth(ctx context.Context, out io.Writer, o HealthOptions) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client, address, err := remoteClient(o.URL)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+web.HealthPath+"?format="+url.QueryEscape(o.Format), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("%s: %s: %s", o.URL, resp.Status, strings.TrimSpace(metric.Printable(string(text))))
	}
	if _, err := io.Copy(out, resp.Body); err != nil {
		return err
	}
	return healthError(resp.Header.Get(web.VerdictHeader))
}

// remoteClient returns a client for the URL of an exporter, and the URL for it.
func remoteClient(address string) (*http.Client, string, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
		return &http.Client{Transport: &http.Transport{DialContext: dial}}, "http://localhost", nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, "", fmt.Errorf("want a URL such as http://localhost:9100 or unix:///run/host_exporter.sock, have %q", address)
	}
	return http.DefaultClient, strings.TrimSuffix(address, "/"), nil
}

// healthConfig returns the health rules of the configuration in effect.
func (e *Exporter) healthConfig() (*health.Config, error) {
	if c := e.current.Load().health; c != nil {
		return c, nil
	}
	return e.shippedHealth()
}

// judge collects, and evaluates the expectations and the health rules. It passes
// the exporter's own samples to own, unless it is nil. The request says what else to
// do with the samples.
func (e *Exporter) judge(ctx context.Context, req scrape.Request, own func(metric.Samples)) (report *health.Report, err error) {
	rules, err := e.healthRules()
	if err != nil {
		return nil, err
	}
	g := e.current.Load()
	req.Units, req.Expect = g.units, g.expect
	req.Health = &scrape.Health{Rules: rules, Own: own, Report: func(r *health.Report) { report = r }}
	e.engine.Observe(ctx, req)
	if err := interrupted(ctx); err != nil {
		return nil, err
	}
	return report, nil
}

func (e *Exporter) healthRules() (*health.Rules, error) {
	c, err := e.healthConfig()
	if err != nil {
		return nil, err
	}
	return c.Rules(), nil
}

// exportedHealth returns the health rules of a scrape of metrics, nil if their
// metric is not enabled.
func (e *Exporter) exportedHealth(filtered bool) *scrape.Health {
	c := e.current.Load().health
	if !e.config.HealthMetrics && (c == nil || !c.Metrics) {
		return nil
	}
	rules, err := e.healthRules()
	if err != nil {
		return nil // load has reported it
	}
	h := &scrape.Health{Rules: rules, Export: true}
	if !filtered {
		h.Report = e.recordHealth
	}
	return h
}

// recordHealth sets since when the problems of a report are known, and logs what
// has changed.
func (e *Exporter) recordHealth(r *health.Report) {
	for _, c := range e.history.Record(r, e.host.Now()) {
		if c.Recovered {
			_ = level.Info(e.config.Log).Log("msg", "Health rule finds no problem any more", "rule", c.Rule)
			continue
		}
		_ = level.Warn(e.config.Log).Log("msg", "Health rule finds problems", "rule", c.Rule, "severity", c.Severity, "problems", c.Count, "first", c.Text)
	}
}

// pageHealth returns the health of the host for the pages, and, of the same scrape,
// the risks of its storage network if they are wanted.
func (e *Exporter) pageHealth(ctx context.Context, wantsRisks bool) (web.Health, error) {
	var h web.Health
	g := e.current.Load()
	expectations := g.expect.List()
	selected := make([]web.Expectation, len(expectations)) // has only the samples
	san := santopo.NewSamples()
	wantsRisks = wantsRisks && len(e.sanUnits()) > 0
	req := scrape.Request{Observe: func(samples metric.Samples) {
		if wantsRisks {
			san.Observe(samples)
		}
		for i, x := range expectations {
			x.EachSelected(samples, func(name string, labels metric.Labels, v float64) {
				if selected[i].Count++; selected[i].Count <= maxSamples {
					selected[i].Samples = append(selected[i].Samples, sampleText(name, labels, v))
				}
			})
		}
	}}
	if wantsRisks {
		// The topology of a large host takes memory: one page at a time has one.
		drawing := false
		req.Buffer = func() []byte {
			e.drawing <- struct{}{}
			drawing = true
			return nil
		}
		defer func() {
			if drawing {
				<-e.drawing
			}
		}()
	}
	report, err := e.judge(ctx, req, func(samples metric.Samples) {
		for i, x := range expectations {
			row := newExpectationRow(x.Name, x.String(), samples)
			row.Collector, row.Origin = x.Collector, e.placeOf(g, "expect", x.Name)
			row.Samples, row.Count = selected[i].Samples, selected[i].Count
			h.Expectations = append(h.Expectations, row)
		}
	})
	if err != nil {
		return h, err
	}
	e.recordHealth(report)
	h.Report = report
	if wantsRisks {
		h.Risks = web.NewRisks(san.Topology())
	}
	return h, nil
}

// newExpectationRow returns an expectation with its result, which is among the
// samples.
func newExpectationRow(name, expression string, samples metric.Samples) web.Expectation {
	row := web.Expectation{Name: name, Expression: expression, Label: "unknown"}
	each := func(family string, fn func(labels metric.Labels, v float64)) {
		samples(family, func(labels metric.Labels, v float64) {
			if string(labels.Get("name")) == name {
				fn(labels, v)
			}
		})
	}
	each("host_exporter_expectation_ok", func(_ metric.Labels, v float64) {
		row.State, row.Label = "error", "not met"
		if v == 1 {
			row.State, row.Label = "ok", "ok"
		}
	})
	each("host_exporter_expectation_missing", func(labels metric.Labels, _ float64) {
		row.Missing = append(row.Missing, string(labels.Get("missing")))
	})
	each("host_exporter_expectation_missing_unnamed", func(_ metric.Labels, v float64) {
		row.Missing = append(row.Missing, fmt.Sprintf("and %.0f more", v))
	})
	each("host_exporter_expectation_unknown", func(labels metric.Labels, _ float64) {
		row.Missing = append(row.Missing, fmt.Sprintf("collector %s has the state %s", labels.Get("collector"), labels.Get("reason")))
	})
	return row
}

// hostname returns the name of the host, or "this host".
func (e *Exporter) hostname() string {
	if u, err := e.host.Uname(); err == nil && u.Nodename != "" {
		return u.Nodename
	}
	return "this host"
}
