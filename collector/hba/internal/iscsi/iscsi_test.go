package iscsi

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
)

func TestWay(t *testing.T) {
	for word, want := range map[string]san.WayState{"LOGGED_IN": san.Open, "FAILED": san.Blocked, "FREE": san.Blocked} {
		if got, ok := parseWay([]byte(word)); !ok || got != want {
			t.Errorf("a session that is %q: %v, %v", word, got, ok)
		}
	}
	if _, ok := parseWay([]byte("logged in?")); ok {
		t.Error("an unknown word passes for a state")
	}
	for name, want := range map[string]bool{"iqn.2003-01.org.example:a": true, "naa.52004567ba64678d": true, "two words": false, "\x01": false} {
		if got, ok := parseTarget([]byte(name)); ok != want || ok && got != name {
			t.Errorf("parseTarget(%q) = %q, %v", name, got, ok)
		}
	}
}
