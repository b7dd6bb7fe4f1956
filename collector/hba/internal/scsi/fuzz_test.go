package scsi

import (
	"bytes"
	"testing"
)

// FuzzSettings checks attributes of devices.
func FuzzSettings(f *testing.F) {
	f.Add([]byte("[none] mq-deadline kyber"))
	f.Add([]byte("none"))
	f.Add([]byte("1 2 3 4 5 6 7"))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if name, ok := parseScheduler(b); ok && (!bytes.Contains(b, name) || bytes.ContainsAny(name, "]")) {
			t.Errorf("%q: have the scheduler %q", b, name)
		}
		if v, ok := parseLatency(b); ok && (!(v.fabric >= 0) || !(v.channel >= 0)) {
			t.Errorf("%q: have %+v", b, v)
		}
	})
}
