package exporter

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// CheckStatusOptions are the options of RemoteCheckStatus.
type CheckStatusOptions struct {
	URL         string   // of a running exporter: http://, https:// or unix://PATH
	MetricsPath string   // usually /metrics
	Names       []string // of checks; empty: all
	Format      string   // text or json
}

// A FailingChecksError says that checks fail. It is no failure of the command.
type FailingChecksError struct{ names []string }

func (e *FailingChecksError) Error() string {
	return "failing: " + strings.Join(e.names, ", ")
}

// A checkStatus is the state of a check in the exporter that runs it.
type checkStatus struct {
	Name            string             `json:"name"`
	State           string             `json:"state"` // ok, failing, suspended or not run yet
	LastRun         *time.Time         `json:"lastRun,omitempty"`
	LastSuccess     *time.Time         `json:"lastSuccess,omitempty"`
	Seconds         *float64           `json:"seconds,omitempty"`
	ExitCode        *float64           `json:"exitCode,omitempty"`
	IntervalSeconds float64            `json:"intervalSeconds,omitempty"`
	Runs            float64            `json:"runs"`
	Failures        map[string]float64 `json:"failures,omitempty"` // by reason
	Skipped         map[string]float64 `json:"skipped,omitempty"`
	Dropped         map[string]float64 `json:"dropped,omitempty"` // samples
	Series          float64            `json:"series"`
}

// RemoteCheckStatus asks a running exporter for its checks and writes their states. The
// error is a FailingChecksError if some fail or are suspended.
func RemoteCheckStatus(ctx context.Context, out io.Writer, o CheckStatusOptions) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	families, err := fetchMetrics(ctx, o.URL, cmp.Or(o.MetricsPath, "/metrics"), "check")
	if err != nil {
		return err
	}
	all := readCheckStatus(families)
	if len(all) == 0 {
		return fmt.Errorf("%s: the exporter runs no checks", o.URL)
	}
	if all, err = selectChecks(all, o.Names); err != nil {
		return err
	}
	if o.Format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		err = enc.Encode(all)
	} else {
		err = writeCheckStatus(out, all, time.Now())
	}
	if err != nil {
		return err
	}
	var failing []string
	for _, c := range all {
		if c.State == "failing" || c.State == "suspended" {
			failing = append(failing, c.Name)
		}
	}
	if failing == nil {
		return nil
	}
	return &FailingChecksError{failing}
}

// fetchMetrics returns the families of a collector of a running exporter.
func fetchMetrics(ctx context.Context, address, path, collector string) (map[string]*dto.MetricFamily, error) {
	client, base, err := remoteClient(address)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path+"?collect[]="+url.QueryEscape(collector), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return nil, fmt.Errorf("%s: %s: %s", address, resp.Status, strings.TrimSpace(metric.Printable(string(text))))
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: not the metrics of an exporter: %w", address, err)
	}
	return families, nil
}

// readCheckStatus returns the states of checks by their metrics, in order of names.
func readCheckStatus(families map[string]*dto.MetricFamily) []*checkStatus {
	byName := map[string]*checkStatus{}
	each := func(family string, fn func(c *checkStatus, labels map[string]string, v float64)) {
		for _, m := range families[family].GetMetric() {
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			v := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			if c := byName[labels["check"]]; c != nil {
				fn(c, labels, v)
			}
		}
	}
	for _, m := range families["host_check_info"].GetMetric() {
		for _, l := range m.Label {
			if l.GetName() == "check" {
				byName[l.GetValue()] = &checkStatus{Name: l.GetValue(), State: "not run yet", Failures: map[string]float64{}, Skipped: map[string]float64{}, Dropped: map[string]float64{}}
			}
		}
	}
	each("host_check_up", func(c *checkStatus, _ map[string]string, v float64) {
		c.State = "failing"
		if v == 1 {
			c.State = "ok"
		}
	})
	each("host_check_suspended", func(c *checkStatus, _ map[string]string, v float64) {
		if v == 1 {
			c.State = "suspended"
		}
	})
	each("host_check_last_run_timestamp_seconds", func(c *checkStatus, _ map[string]string, v float64) { c.LastRun = unixTime(v) })
	each("host_check_last_success_timestamp_seconds", func(c *checkStatus, _ map[string]string, v float64) { c.LastSuccess = unixTime(v) })
	each("host_check_duration_seconds", func(c *checkStatus, _ map[string]string, v float64) { c.Seconds = &v })
	each("host_check_exit_code", func(c *checkStatus, _ map[string]string, v float64) { c.ExitCode = &v })
	each("host_check_interval_seconds", func(c *checkStatus, _ map[string]string, v float64) { c.IntervalSeconds = v })
	each("host_check_runs_total", func(c *checkStatus, _ map[string]string, v float64) { c.Runs = v })
	each("host_check_series", func(c *checkStatus, _ map[string]string, v float64) { c.Series = v })
	each("host_check_failures_total", func(c *checkStatus, l map[string]string, v float64) { c.Failures[l["reason"]] = v })
	each("host_check_skipped_total", func(c *checkStatus, l map[string]string, v float64) { c.Skipped[l["reason"]] = v })
	each("host_check_samples_dropped_total", func(c *checkStatus, l map[string]string, v float64) { c.Dropped[l["reason"]] = v })
	var all []*checkStatus
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[name])
	}
	return all
}

func unixTime(v float64) *time.Time {
	t := time.UnixMilli(int64(v * 1000)).UTC()
	return &t
}

// selectChecks returns the checks with the given names, or all.
func selectChecks(all []*checkStatus, names []string) ([]*checkStatus, error) {
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, c := range all {
		known = append(known, c.Name)
	}
	var selected []*checkStatus
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, fmt.Errorf("unknown check %q%s", name, document.Suggest(name, slices.Clone(known)))
		}
		selected = append(selected, all[i])
	}
	return selected, nil
}

// writeCheckStatus writes a line for each check.
func writeCheckStatus(out io.Writer, all []*checkStatus, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tLAST RUN\tTOOK\tEXIT CODE\tLAST SUCCESS\tRUNS\tFAILURES\tSKIPPED\tDROPPED\tSERIES")
	ago := func(t *time.Time) string {
		if t == nil {
			return "-"
		}
		return max(now.Sub(*t), 0).Round(time.Second).String() + " ago"
	}
	for _, c := range all {
		took, code := "-", "-"
		if c.Seconds != nil {
			took = time.Duration(*c.Seconds * float64(time.Second)).Round(time.Millisecond).String()
		}
		if c.ExitCode != nil {
			code = fmt.Sprint(*c.ExitCode)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%v\t%s\t%s\t%s\t%v\n", c.Name, c.State, ago(c.LastRun), took, code, ago(c.LastSuccess), c.Runs,
			countsText(c.Failures), countsText(c.Skipped), countsText(c.Dropped), c.Series)
	}
	return w.Flush()
}

// countsText returns counts by reason, such as "3 timeout, 1 exit".
func countsText(counts map[string]float64) string {
	var texts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		if counts[reason] > 0 {
			texts = append(texts, fmt.Sprintf("%v %s", counts[reason], reason))
		}
	}
	return cmp.Or(strings.Join(texts, ", "), "-")
}

// DefaultURL returns the URL of an exporter on this host that listens on an address of
// --web.listen-address.
func DefaultURL(address string, tls bool) (string, error) {
	if strings.HasPrefix(address, "unix://") {
		return address, nil
	}
	hostname, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", errors.New("give the URL of the running exporter with --url")
	}
	if ip := net.ParseIP(hostname); hostname == "" || ip != nil && ip.IsUnspecified() {
		hostname = "localhost"
	}
	scheme := "http://"
	if tls {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(hostname, port), nil
}
