package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVariables checks that no two flags share a variable, and that none has the name
// of one that is not for the exporter.
func TestVariables(t *testing.T) {
	p := newProgram(io.Discard, io.Discard)
	flags := map[string]string{}
	for _, f := range p.app.Model().Flags {
		if !hasVariable(f) {
			continue
		}
		name := variable(f.Name)
		if other, ok := flags[name]; ok {
			t.Errorf("--%s and --%s share %s", other, f.Name, name)
		}
		flags[name] = f.Name
		if isForeign(name) && !strings.HasPrefix(f.Name, "collector.ntp.") { // which has no effect
			t.Errorf("--%s: Kubernetes may set %s", f.Name, name)
		}
	}
}

// TestEnvironment sets flags by variables: flags take precedence, a list is separated
// by white space, and what Kubernetes sets is no error.
func TestEnvironment(t *testing.T) {
	kubernetes := []string{
		"HOST_EXPORTER_SERVICE_HOST=10.0.0.1", "HOST_EXPORTER_SERVICE_PORT=9100", "HOST_EXPORTER_SERVICE_PORT_HTTP=9100", "HOST_EXPORTER_PORT=tcp://10.0.0.1:9100",
		"HOST_EXPORTER_PORT_9100_TCP=tcp://10.0.0.1:9100", "HOST_EXPORTER_PORT_9100_TCP_PROTO=tcp", "HOST_EXPORTER_PORT_9100_TCP_PORT=9100", "HOST_EXPORTER_PORT_9100_TCP_ADDR=10.0.0.1",
		"HOST_EXPORTER_METRICS_SERVICE_HOST=10.0.0.2", "HOST_EXPORTER_METRICS_PORT_80_TCP_ADDR=10.0.0.2", "HOST_EXPORTER_OPTS=--nonsense",
	}
	for _, tc := range []struct {
		args, environ []string
		want          []string
		unknown       string
		err           string
	}{
		{want: nil},
		{environ: kubernetes, want: nil},
		{environ: []string{"HOST_EXPORTER_LOG_LEVEL=debug", "OTHER=1"}, want: []string{"--log.level=debug"}},
		{environ: []string{"HOST_EXPORTER_LOG_LEVEL="}, want: nil},
		{args: []string{"--log.level=warn", "once"}, environ: []string{"HOST_EXPORTER_LOG_LEVEL=debug"}, want: []string{"--log.level=warn", "once"}},
		{environ: []string{"HOST_EXPORTER_COLLECTOR_HBA=false"}, want: []string{"--no-collector.hba"}},
		{environ: []string{"HOST_EXPORTER_COLLECTOR_HBA=1"}, want: []string{"--collector.hba"}},
		{args: []string{"--no-collector.hba"}, environ: []string{"HOST_EXPORTER_COLLECTOR_HBA=1"}, want: []string{"--no-collector.hba"}},
		{environ: []string{"HOST_EXPORTER_COLLECTOR_HBA=yes please"}, err: `HOST_EXPORTER_COLLECTOR_HBA: want true or false, have "yes please"`},
		{environ: []string{"HOST_EXPORTER_WEB_LISTEN_ADDRESS=:9100 unix:///run/x.sock"}, want: []string{"--web.listen-address=:9100", "--web.listen-address=unix:///run/x.sock"}},
		// A deprecated flag is the same option.
		{args: []string{"--collector.netdev.device-blacklist=a"}, environ: []string{"HOST_EXPORTER_COLLECTOR_NETDEV_DEVICE_EXCLUDE=b"}, want: []string{"--collector.netdev.device-blacklist=a"}},
		{environ: []string{"HOST_EXPORTER_LOG_LEVLE=debug"}, want: nil, unknown: "HOST_EXPORTER_LOG_LEVLE, do you mean HOST_EXPORTER_LOG_LEVEL?"},
		{environ: []string{"HOST_EXPORTER_NONSENSE=1"}, want: nil, unknown: "HOST_EXPORTER_NONSENSE"},
	} {
		p := newProgram(io.Discard, io.Discard)
		have, err := p.addEnvironment(tc.args, tc.environ)
		if tc.err != "" {
			if err == nil || err.Error() != tc.err {
				t.Errorf("%q: have error %v", tc.environ, err)
			}
			continue
		}
		if unknown := strings.Join(p.unknownVariables, " "); err != nil || !slices.Equal(have, tc.want) || unknown != tc.unknown {
			t.Errorf("%q %q: have %q, unknown %q, error %v", tc.args, tc.environ, have, unknown, err)
		}
	}
}

// TestEnvironmentOfCommands has a command with variables.
func TestEnvironmentOfCommands(t *testing.T) {
	t.Setenv("HOST_EXPORTER_COLLECTOR_DISABLE_DEFAULTS", "true")
	t.Setenv("HOST_EXPORTER_COLLECTOR_LOADAVG", "true")
	t.Setenv("HOST_EXPORTER_COLLECTOR_ARPP", "true")
	var out, log bytes.Buffer
	if err := run(t.Context(), []string{"once"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\nnode_load1 ") || strings.Contains(out.String(), "node_uname_info") {
		t.Errorf("have\n%s", &out)
	}
	if !strings.Contains(log.String(), `variable="HOST_EXPORTER_COLLECTOR_ARPP, do you mean HOST_EXPORTER_COLLECTOR_ARP?"`) {
		t.Errorf("have log\n%s", &log)
	}
	file := filepath.Join(t.TempDir(), "host_exporter.yml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"check-config", file}, &out, &log); err != nil || !strings.Contains(log.String(), "note: HOST_EXPORTER_COLLECTOR_LOADAVG in the environment sets --collector.loadavg") {
		t.Errorf("check-config: %v\n%s", err, &log)
	}
	t.Setenv("HOST_EXPORTER_LOG_LEVEL", "loud")
	if err := run(t.Context(), []string{"once"}, &out, &log); err == nil || !strings.HasPrefix(err.Error(), `HOST_EXPORTER_LOG_LEVEL: want debug, info, warn or error, have "loud"`) {
		t.Errorf("have error %v", err)
	}
}
