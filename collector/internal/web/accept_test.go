package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestEncoding(t *testing.T) {
	for _, tc := range []struct {
		want   string
		accept []string
	}{
		{"", nil},
		{"", []string{""}},
		{"gzip", []string{"gzip"}},
		{"gzip", []string{"GZip;Q=1"}},
		{"gzip", []string{"x-gzip"}},
		{"", []string{"gzip;Q=0"}},
		{"", []string{"gzip ; q = 0"}},
		{"", []string{"gzip;q=0.000"}},
		{"", []string{"gzip;level=9;Q=0"}},
		{"", []string{"gzip;q=0, *"}},
		{"zstd", []string{"gzip;q=0, *, zstd"}},
		{"gzip", []string{"*"}},
		{"", []string{"*;q=0"}},
		{"gzip", []string{"*;q=0, gzip"}},
		{"zstd", []string{"gzip, zstd"}},
		{"zstd", []string{"gzip", "zstd"}},
		{"gzip", []string{"br", "gzip"}},
		{"gzip", []string{"gzip;q=0.2, zstd;q=0.1"}},
		{"gzip", []string{"gzip;q=7"}},
		{"", []string{"gzip;q=NaN"}},
		{"", []string{"gzip;q=-1"}},
		{"", []string{"gzip;q=x"}},
		{"", []string{"gzip;q"}},
		{"", []string{"identity, gzip;q=0.5"}},
		{"gzip", []string{"identity, gzip"}},
		{"", []string{",;,;q=1,="}},
	} {
		if have := encoding(tc.accept, "zstd"); have != tc.want {
			t.Errorf("%q: %q, want %q", tc.accept, have, tc.want)
		}
	}
	for accept, want := range map[string]string{"gzip, zstd": "gzip", "zstd, gzip": "gzip", "zstd": "zstd", "gzip;q=0.5, zstd": "zstd", "br": ""} {
		if have := encoding([]string{accept}, "gzip"); have != want {
			t.Errorf("%q: %q, want %q", accept, have, want)
		}
	}
}

func TestAcceptsText(t *testing.T) {
	m := &Metrics{}
	for _, tc := range []struct {
		want   bool
		accept []string
	}{
		{true, nil},
		{true, []string{"text/plain"}},
		{true, []string{"*/*"}},
		{true, []string{"application/openmetrics-text, text/plain;q=0.1"}},
		{true, []string{"application/openmetrics-text", "text/plain;q=0.1"}},
		{true, []string{"application/openmetrics-text, TEXT/*"}},
		{false, []string{"application/openmetrics-text"}},
		{false, []string{"Application/OpenMetrics-Text; version=1.0.0"}},
		{false, []string{"application/openmetrics-text, text/plain;q=0"}},
		{false, []string{"application/openmetrics-text, text/plain;Q=0, */*"}},
		{true, []string{"application/openmetrics-text;q=0, text/html"}},
		{false, []string{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"}},
	} {
		for range 2 { // the second time it is the last header
			if have := m.acceptsText(http.Header{"Accept": tc.accept}); have != tc.want {
				t.Errorf("%q: %v, want %v", tc.accept, have, tc.want)
			}
		}
	}
}

func TestLongAccept(t *testing.T) {
	for n, want := range map[int]bool{0: false, 100: false, 1100: true} {
		h := http.Header{"Accept": {"application/openmetrics-text", strings.Repeat("a/b,", n)}}
		if dropLongAccept(h); acceptsText(h) != want {
			t.Errorf("%d elements: %v, want %v", n, !want, want)
		}
	}
}
