package exporter

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/doctor"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/web"
)

// A FlagValue is a flag of the program with its value.
type FlagValue struct {
	Name, Help, Value, Default string
	Origin                     string // the flag, an environment variable, or default
}

const (
	maxSamples = 5               // of a family or an expectation on a page
	pageWait   = 3 * time.Second // how long the page of a collector waits for its run
)

// settings returns the explicit settings in effect of the flags and of a generation.
func (e *Exporter) settings(g *generation) *config.Settings {
	if g.file == nil {
		return e.config.Settings
	}
	return e.config.Settings.With(g.file)
}

// collectorPage returns what the page of a collector shows, with the samples of a
// run; nil if there is no such collector.
func (e *Exporter) collectorPage(ctx context.Context, name string) *web.Collector {
	spec, err := config.Find(e.specs, name)
	if err != nil {
		return nil
	}
	g := e.current.Load()
	settings := e.settings(g)
	c := &web.Collector{Unit: collect.UnitByName(g.units, name), Spec: spec, Origin: settings.Origin(spec, config.EnabledKey), Granted: doctor.Capabilities()}
	for _, domain := range collector.Domains() {
		if slices.ContainsFunc(domain.Specs, func(s collect.Spec) bool { return s.Name == name }) {
			c.Docs = "collectors/" + domain.Name + ".md#" + name
		}
	}
	for _, need := range spec.Caps {
		c.Caps = append(c.Caps, need.String())
	}
	if c.Unit != nil {
		c.Settings = unitSettings(c.Unit, settings)
		c.Families = e.collectFamilies(ctx, c.Unit)
		return c
	}
	if u, err := collect.NewUnit(spec, e.host, e.config.Log, e.isReserved, settings.Options(name)); err == nil {
		c.Settings = unitSettings(u, settings)
		for _, f := range u.Set().Families() {
			c.Families = append(c.Families, web.Family{Name: f.Name(), Type: f.Type(), Help: f.Help(), Labels: f.Labels()})
		}
	}
	return c
}

// unitSettings returns the settings of a collector.
func unitSettings(u *collect.Unit, s *config.Settings) []web.Setting {
	standard := u.Spec.Timeout
	if standard == 0 {
		standard = collect.DefaultTimeout
	}
	origin := func(key string) string { return s.Origin(u.Spec, key) }
	list := []web.Setting{
		{Name: config.TimeoutKey, Help: "Maximum time that a scrape waits.", Value: u.Timeout.String(), Default: standard.String(), Origin: origin(config.TimeoutKey)},
		{Name: config.IntervalKey, Help: "Serve cached results up to this age; 0s reads at every scrape.", Value: u.Interval.String(), Default: "0s", Origin: origin(config.IntervalKey)},
		{Name: config.MaxSeriesKey, Help: "Maximum number of series; 0 is no limit.", Value: strconv.Itoa(u.MaxSeries), Default: strconv.Itoa(collect.DefaultMaxSeries), Origin: origin(config.MaxSeriesKey)},
	}
	for i, f := range u.Spec.Build.Fields() {
		if !f.Hidden {
			list = append(list, web.Setting{Name: f.Name, Help: f.Help, Value: u.Options[i].Value, Default: f.Value.String(), Origin: origin(f.Name)})
		}
	}
	return list
}

// collectFamilies has a collector run, and returns its families, those with samples
// first.
func (e *Exporter) collectFamilies(ctx context.Context, u *collect.Unit) []web.Family {
	sampled := map[string]*web.Family{}
	request := scrape.Request{Units: []*collect.Unit{u}, Filtered: true, Deadline: time.Now().Add(pageWait), Want: func(string) bool { return false }}
	request.Observe = func(samples metric.Samples) {
		for _, f := range u.Set().Families() {
			row := sampled[f.Name()]
			samples(f.Name(), func(labels metric.Labels, v float64) {
				if row == nil {
					row = &web.Family{}
					sampled[f.Name()] = row
				}
				if row.Count++; row.Count <= maxSamples {
					row.Samples = append(row.Samples, sampleText(f.Name(), labels, v))
				}
			})
		}
	}
	e.engine.AppendText(ctx, nil, request)
	var list, empty []web.Family
	for _, f := range u.Set().Families() { // also those that the run has declared
		row := web.Family{Name: f.Name(), Type: f.Type(), Help: f.Help(), Labels: f.Labels()}
		if s := sampled[f.Name()]; s != nil {
			row.Count, row.Samples = s.Count, s.Samples
			list = append(list, row)
			continue
		}
		empty = append(empty, row)
	}
	return append(list, empty...)
}

// sampleText returns a sample in the text format.
func sampleText(name string, labels metric.Labels, v float64) string {
	var b strings.Builder
	b.WriteString(name)
	for i, l := range labels {
		b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&b, "%s=%q", l.Name, l.Value)
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	return metric.Printable(b.String() + " " + strconv.FormatFloat(v, 'g', -1, 64))
}

// placeOf returns the path and line of an entry of the configuration; empty if no file
// has it.
func (e *Exporter) placeOf(g *generation, section, name string) string {
	if g.file == nil {
		return ""
	}
	return g.file.Place(section, name)
}

// checkPage returns what the page of a check shows; nil if there is no such check.
func (e *Exporter) checkPage(name string) *web.CheckDetails {
	status := e.checks.Status()
	i := slices.IndexFunc(status, func(s checks.Status) bool { return s.Definition.Name == name })
	if i < 0 {
		return nil
	}
	s, d, g := status[i], status[i].Definition, e.current.Load()
	// A mirror has only a part of the definition.
	if i := slices.IndexFunc(g.checks, func(d checks.Definition) bool { return d.Name == name }); i >= 0 {
		d = g.checks[i]
	}
	c := &web.CheckDetails{
		Check: e.newCheckRow(s), Schedule: scheduleText(d), Format: string(d.Output.Format), User: s.User,
		Origin: e.placeOf(g, "checks", name), LastSuccess: s.LastSuccess, Settings: checkSettings(d, s),
	}
	c.Counts = append(c.Counts, web.Setting{Name: "runs", Value: fmt.Sprint(s.Runs)})
	for _, list := range []struct {
		name   string
		counts checks.Counts
	}{{"failures", s.Failures}, {"skipped runs", s.Skips}, {"dropped samples", s.Drops}} {
		for _, n := range list.counts {
			c.Counts = append(c.Counts, web.Setting{Name: list.name + ": " + n.Reason, Value: fmt.Sprint(n.N)})
		}
	}
	for _, r := range s.Recent {
		run := web.Run{Start: r.Start, Duration: r.Duration.Round(time.Millisecond).String(), State: "ok", Result: "ok"}
		if r.Reason != "" {
			run.State, run.Result = "error", string(r.Reason)
		}
		switch {
		case !r.HasExitCode || r.ExitCode == 0:
		case r.Reason == "exit":
			run.Result = fmt.Sprintf("exit code %d", r.ExitCode)
		default:
			run.Result += fmt.Sprintf(", exit code %d", r.ExitCode)
		}
		c.Runs = append(c.Runs, run)
	}
	if s.Publication != nil {
		for _, f := range s.Publication.Families {
			c.Families = append(c.Families, publishedFamily(f))
		}
	}
	return c
}

// scheduleText returns when a check runs.
func scheduleText(d checks.Definition) string {
	if d.At != "" {
		return "at " + d.At
	}
	return "every " + model.Duration(d.Interval).String()
}

// checkSettings returns the limits of a check, with the defaults of those that have
// one. It has neither its command nor its environment.
func checkSettings(d checks.Definition, s checks.Status) []web.Setting {
	ttl := d.TTL
	if ttl == 0 {
		ttl = 3 * s.Interval
	}
	standard := checks.NewDefinition(d.Name)
	var list []web.Setting
	add := func(name string, value, byDefault any) {
		origin := config.Default
		if v := fmt.Sprint(value); v != fmt.Sprint(byDefault) {
			origin = ""
		}
		list = append(list, web.Setting{Name: name, Value: fmt.Sprint(value), Default: fmt.Sprint(byDefault), Origin: origin})
	}
	add("timeout", d.Timeout, standard.Timeout)
	add("kill-grace", d.KillGrace, standard.KillGrace)
	add("ttl", ttl, 3*s.Interval)
	add("memory", sizeText(d.Memory), sizeText(standard.Memory))
	add("cpu", d.CPULimit(), max(2*d.Timeout, time.Second))
	add("open-files", d.OpenFiles, standard.OpenFiles)
	add("file-size", sizeText(d.FileSize), sizeText(standard.FileSize))
	add("stdout-limit", sizeText(d.StdoutLimit), sizeText(standard.StdoutLimit))
	add("max-series", d.Output.MaxSeries, standard.Output.MaxSeries)
	add("sandbox", s.Sandbox, standard.Sandbox)
	add("slow", d.Slow, standard.Slow)
	if len(d.Env) > 0 {
		list = append(list, web.Setting{Name: "env", Value: strings.Join(slices.Sorted(maps.Keys(d.Env)), ", ") + " (values are not shown)"})
	}
	return list
}

// sizeText returns a number of bytes in the unit that it is a multiple of.
func sizeText(n int64) string {
	switch {
	case n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + "MiB"
	case n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + "KiB"
	}
	return strconv.FormatInt(n, 10)
}

// publishedFamily returns a family that a check has published.
func publishedFamily(f *dto.MetricFamily) web.Family {
	row := web.Family{Name: f.GetName(), Type: strings.ToLower(f.GetType().String()), Help: metric.Printable(f.GetHelp())}
	external, err := metric.NewExternalFamily(f)
	if err != nil {
		return row
	}
	for line := range strings.Lines(string(external.AppendText(nil))) {
		if line[0] == '#' {
			continue
		}
		if row.Count++; row.Count <= maxSamples {
			row.Samples = append(row.Samples, metric.Printable(line))
		}
	}
	return row
}

// pageSettings returns the configuration in effect, with the origin of each value.
func (e *Exporter) pageSettings() web.Settings {
	g := e.current.Load()
	settings := e.settings(g)
	var s web.Settings
	s.Listeners = e.pageListeners()
	for _, f := range e.config.Flags {
		s.Flags = append(s.Flags, web.Setting{Name: "--" + f.Name, Help: f.Help, Value: f.Value, Default: f.Default, Origin: f.Origin})
	}
	for _, u := range g.units {
		s.Collectors = append(s.Collectors, web.CollectorSettings{Name: u.Spec.Name, Origin: settings.Origin(u.Spec, config.EnabledKey), Settings: unitSettings(u, settings)})
	}
	for _, d := range g.checks {
		value := scheduleText(d) + ", timeout " + d.Timeout.String() + ", format " + string(d.Output.Format)
		if !d.Enabled {
			value = "disabled"
		}
		s.Checks = append(s.Checks, web.Setting{Name: d.Name, Help: d.Description, Value: value, Origin: e.placeOf(g, "checks", d.Name)})
	}
	for _, x := range g.expect.List() {
		s.Expectations = append(s.Expectations, web.Setting{Name: x.Name, Value: x.String(), Origin: e.placeOf(g, "expect", x.Name)})
	}
	if g.health != nil {
		for _, r := range g.health.List() {
			if place := e.placeOf(g, "health", r.Name); place != "" {
				value := "disabled"
				if r.Enabled {
					value = r.Severity.String() + ": " + r.Expression
				}
				s.Rules = append(s.Rules, web.Setting{Name: r.Name, Value: value, Origin: place})
			}
		}
	}
	return s
}

// A webSecurity is what the configuration of the toolkit says about clients.
type webSecurity struct {
	TLS struct {
		CertFile   string `yaml:"cert_file"`
		Cert       string `yaml:"cert"`
		ClientAuth string `yaml:"client_auth_type"`
	} `yaml:"tls_server_config"`
	Users map[string]any `yaml:"basic_auth_users"`
}

// readWebSecurity reads the file of the toolkit, which reads it for each request, too.
func readWebSecurity(file string) (s webSecurity) {
	if text, err := os.ReadFile(file); file != "" && err == nil {
		_ = yaml.Unmarshal(text, &s) // the toolkit reports it
	}
	return s
}

// authenticated reports whether the toolkit has let a client in by a password or by a
// certificate.
func (e *Exporter) authenticated(r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return true
	}
	// The toolkit has checked the password if it has users.
	_, _, hasPassword := r.BasicAuth()
	return hasPassword && len(readWebSecurity(e.webConfigFile).Users) > 0
}

// pageListeners returns the addresses that the exporter listens on.
func (e *Exporter) pageListeners() []web.Listener {
	security := readWebSecurity(e.webConfigFile)
	l := web.Listener{TLS: "no", Authentication: "none"}
	if security.TLS.CertFile != "" || security.TLS.Cert != "" {
		l.TLS = "yes"
	}
	var how []string
	if len(security.Users) > 0 {
		how = append(how, "password")
	}
	if strings.HasPrefix(security.TLS.ClientAuth, "RequireAndVerify") {
		how = append(how, "client certificate")
	}
	if how != nil {
		l.Authentication = strings.Join(how, ", ")
	}
	var list []web.Listener
	for _, a := range e.addresses {
		l.Address = a.Network() + " " + a.String()
		list = append(list, l)
	}
	return list
}

// addressesOf returns the addresses of listeners.
func addressesOf(listeners []net.Listener) []net.Addr {
	var list []net.Addr
	for _, l := range listeners {
		list = append(list, l.Addr())
	}
	return list
}
