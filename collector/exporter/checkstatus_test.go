package exporter

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const checkMetrics = `# TYPE host_check_info gauge
host_check_info{check="backup",format="number",user="root",shell="",sandbox=""} 1
host_check_info{check="new",format="number",user="root",shell="",sandbox=""} 1
host_check_info{check="raid",format="exit",user="root",shell="",sandbox=""} 1
host_check_info{check="stuck",format="exit",user="root",shell="",sandbox=""} 1
# TYPE host_check_up gauge
host_check_up{check="backup"} 1
host_check_up{check="raid"} 0
host_check_up{check="stuck"} 0
# TYPE host_check_suspended gauge
host_check_suspended{check="raid"} 0
host_check_suspended{check="stuck"} 1
# TYPE host_check_last_run_timestamp_seconds gauge
host_check_last_run_timestamp_seconds{check="backup"} 1000
# TYPE host_check_duration_seconds gauge
host_check_duration_seconds{check="backup"} 0.25
# TYPE host_check_exit_code gauge
host_check_exit_code{check="raid"} 2
# TYPE host_check_runs_total counter
host_check_runs_total{check="raid"} 7
# TYPE host_check_failures_total counter
host_check_failures_total{check="raid",reason="exit"} 3
host_check_failures_total{check="raid",reason="timeout"} 1
`

func TestRemoteCheckStatus(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/m" || r.URL.Query().Get("collect[]") != "check":
			http.Error(w, "not here", http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, checkMetrics)
		}
	}))
	defer server.Close()
	for _, tc := range []struct {
		o    CheckStatusOptions
		want []string
		err  string
	}{
		{CheckStatusOptions{}, []string{"backup  ok", "250ms", "new     not run yet", "raid    failing", "3 exit, 1 timeout", "stuck   suspended"}, "failing: raid, stuck"},
		{CheckStatusOptions{Names: []string{"backup"}}, []string{"backup  ok"}, ""},
		{CheckStatusOptions{Names: []string{"bakcup"}}, nil, "do you mean backup?"},
		{CheckStatusOptions{Format: "json", Names: []string{"raid"}}, []string{`"state": "failing"`, `"exit": 3`, `"exitCode": 2`}, "failing: raid"},
		{CheckStatusOptions{MetricsPath: "/other"}, nil, "404 Not Found: not here"},
	} {
		var out bytes.Buffer
		tc.o.URL = server.URL
		if tc.o.MetricsPath == "" {
			tc.o.MetricsPath = "/m"
		}
		err := RemoteCheckStatus(t.Context(), &out, tc.o)
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%+v: have error %v", tc.o, err)
		}
		if _, failing := errors.AsType[*FailingChecksError](err); failing != strings.HasPrefix(tc.err, "failing") {
			t.Errorf("%+v: have error %T", tc.o, err)
		}
		for _, want := range tc.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%+v: want %q in\n%s", tc.o, want, &out)
			}
		}
	}
}

// TestCheckStatusTimes has a run before, and one after the time of this host.
func TestCheckStatusTimes(t *testing.T) {
	now, before := time.Unix(1000, 0), time.Unix(940, 0)
	var out bytes.Buffer
	if err := writeCheckStatus(&out, []*checkStatus{{Name: "a", State: "ok", LastRun: &before, LastSuccess: &now}}, now.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if have := out.String(); !strings.Contains(have, "59s ago") || !strings.Contains(have, "0s ago") {
		t.Errorf("have\n%s", have)
	}
}

func TestDefaultURL(t *testing.T) {
	for address, want := range map[string]string{
		":9100": "http://localhost:9100", "0.0.0.0:9100": "http://localhost:9100", "[::]:9100": "http://localhost:9100", "10.0.0.1:9100": "http://10.0.0.1:9100",
		"[::1]:9100": "http://[::1]:9100", "unix:///run/x.sock": "unix:///run/x.sock", "vsock://:9100": "",
	} {
		have, err := DefaultURL(address, false)
		if have != want || (err == nil) != (want != "") {
			t.Errorf("%s: have %q, %v", address, have, err)
		}
	}
	if have, _ := DefaultURL(":9100", true); have != "https://localhost:9100" {
		t.Errorf("TLS: have %s", have)
	}
}
