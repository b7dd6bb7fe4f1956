package host

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The number is that of a C compiler with linux/dm-ioctl.h.
func TestDeviceMapperRequest(t *testing.T) {
	want := uintptr(0xc138fd0c) // both directions: the same on all architectures
	if have := dmRequest(); have != want {
		t.Errorf("%s: %#x, want %#x", runtime.GOARCH, have, want)
	}
}

// answerTargets writes an answer as the kernel does, if it fits.
func answerTargets(b []byte, targets []Target) {
	const start = dmIoctlSize
	at := start
	for i, target := range targets {
		next := (at + dmTargetSize + len(target.Text) + 1 + 7) &^ 7
		if next > len(b) {
			flags := binary.NativeEndian.Uint32(b[dmFlags:])
			binary.NativeEndian.PutUint32(b[dmFlags:], flags|dmBufferFull)
			return
		}
		binary.NativeEndian.PutUint64(b[at:], target.Start)
		binary.NativeEndian.PutUint64(b[at+8:], target.Length)
		binary.NativeEndian.PutUint32(b[at+dmTargetNext:], uint32(next-start))
		copy(b[at+dmTargetType:], target.Type)
		copy(b[at+dmTargetSize:], target.Text)
		binary.NativeEndian.PutUint32(b[dmTargetCount:], uint32(i+1))
		at = next
	}
}

func TestDeviceMapperTargets(t *testing.T) {
	for _, want := range [][]Target{
		{},
		{{0, 2097152, "multipath", "2 0 0 0 1 1 A 0 1 2 8:16 A 0 0 1 "}},
		{{0, 8, "linear", ""}, {8, 16, "a-long-type-name", "8:0 0"}}, // a type may fill its field
		{{0, 1, "multipath", strings.Repeat("8:16 A 0 ", 4000)}},     // in a larger buffer
	} {
		calls := 0
		have, err := dmTargets("mpatha", true, make([]byte, dmFirstBuffer), func(b []byte) error {
			calls++
			if v := binary.NativeEndian.Uint32(b); v != 4 {
				t.Errorf("version %d", v)
			}
			if size := binary.NativeEndian.Uint32(b[12:]); int(size) != len(b) {
				t.Errorf("the size of a buffer of %d bytes is %d", len(b), size)
			}
			if flags := binary.NativeEndian.Uint32(b[28:]); flags != 1<<4|1<<11 {
				t.Errorf("flags %#x", flags)
			}
			if name := string(b[48:55]); name != "mpatha\x00" {
				t.Errorf("name %q", name)
			}
			answerTargets(b, want)
			return nil
		})
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("have %v, %v, want %v", have, err, want)
		}
		if len(want) > 0 && len(want[0].Text) > dmFirstBuffer && calls < 2 {
			t.Errorf("%d calls", calls)
		}
	}
}

func TestDeviceMapperNames(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("x", 128)} {
		if _, err := dmTargets(name, false, make([]byte, dmFirstBuffer), func([]byte) error { t.Error("called"); return nil }); !errors.Is(err, syscall.ENAMETOOLONG) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := dmTargets(strings.Repeat("x", 127), false, make([]byte, dmFirstBuffer), func([]byte) error { return syscall.ENXIO }); !Gone(err) {
		t.Error(err)
	}
}

func TestBrokenDeviceMapperAnswers(t *testing.T) {
	for want, corrupt := range map[string]func(b []byte){
		"start at 70000": func(b []byte) { binary.NativeEndian.PutUint32(b[dmDataStart:], 70000) },
		"want 3000000000 targets, have 3784 bytes": func(b []byte) { binary.NativeEndian.PutUint32(b[dmTargetCount:], 3e9) },
		"have it start at 4294967295":              func(b []byte) { binary.NativeEndian.PutUint32(b[dmIoctlSize+dmTargetNext:], 1<<32-1) },
		"NUL at the end, have 3744 bytes": func(b []byte) {
			for i := dmIoctlSize + dmTargetSize; i < len(b); i++ {
				b[i] = 'x'
			}
		},
		"at most 4194304 bytes": func(b []byte) { binary.NativeEndian.PutUint32(b[dmFlags:], dmBufferFull) },
	} {
		_, err := dmTargets("mpatha", false, make([]byte, dmFirstBuffer), func(b []byte) error {
			answerTargets(b, []Target{{0, 1, "multipath", "a"}, {1, 1, "multipath", "b"}})
			corrupt(b)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %s", err, want)
		}
	}
}

func FuzzParseTargets(f *testing.F) {
	b := make([]byte, 512)
	binary.NativeEndian.PutUint32(b[dmDataStart:], dmIoctlSize)
	answerTargets(b, []Target{{0, 1, "multipath", "2 0 0 0 0 0 "}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < dmIoctlSize {
			return // the buffer is never smaller
		}
		targets, err := parseTargets(b)
		for _, target := range targets {
			if strings.Contains(target.Text, "\x00") || len(target.Type) > 16 || err != nil {
				t.Errorf("%+v, %v", target, err)
			}
		}
	})
}

// TestLiveDeviceMapper requests a map that does not exist.
func TestLiveDeviceMapper(t *testing.T) {
	_, err := liveDeviceMapper()("host_exporter_test_no_such_map", false)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV):
		t.Skip(err)
	case errors.Is(err, os.ErrPermission):
		t.Skip(err)
	case !errors.Is(err, syscall.ENXIO):
		t.Errorf("have %v, want ENXIO", err)
	}
}
