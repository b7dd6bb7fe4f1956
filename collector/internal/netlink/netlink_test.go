package netlink

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// attempts returns a netlink function that passes the n-th list of messages at
// the n-th call, and returns the n-th error.
func attempts(lists [][]string, errs ...error) func(host.NetlinkRequest, func([]byte) error) error {
	call := 0
	return func(_ host.NetlinkRequest, each func([]byte) error) error {
		i := call
		call++
		for _, m := range lists[i] {
			if err := each([]byte(m)); err != nil {
				return err
			}
		}
		return errs[i]
	}
}

func TestDump(t *testing.T) {
	interrupted := host.ErrDumpInterrupted
	list := func(messages ...string) []string { return messages }
	for _, c := range []struct {
		name   string
		lists  [][]string
		errs   []error
		once   bool
		want   []string
		err    string // in the error, empty for none
		failed bool
	}{
		{"one attempt", [][]string{list("a", "b")}, []error{nil}, false, list("a", "b"), "", false},
		{"interrupted", [][]string{list("a", "b"), list("a", "c")}, []error{interrupted, nil}, false, list("a", "c"), "", false},
		{"always interrupted", [][]string{list("a"), list("b"), list("c")}, []error{interrupted, interrupted, interrupted}, false, list("c"), "", false},
		{"interrupted and not repeated", [][]string{list("a")}, []error{interrupted}, true, list("a"), "", false},
		{"a bad message", [][]string{list("a", "bad", "worse", "b")}, []error{nil}, false, list("a", "b"), "proto: bad", false},
		{"a bad message in the first attempt", [][]string{list("bad"), list("a")}, []error{interrupted, nil}, false, list("a"), "", false},
		{"refused", [][]string{list("a")}, []error{unix.EPERM}, false, list("a"), "proto: operation not permitted", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var have []string
			begin := func() { have = nil }
			if c.once {
				begin = nil
			}
			client := New(attempts(c.lists, c.errs...), unix.NETLINK_GENERIC, "proto")
			err := client.Dump(1, nil, begin, func(b []byte) error {
				if s := string(b); s == "bad" || s == "worse" {
					return errors.New(s)
				}
				have = append(have, string(b))
				return nil
			})
			if !slices.Equal(have, c.want) || (err != nil) != (c.err != "") || err != nil && err.Error() != c.err || DumpFailed(err) != c.failed {
				t.Errorf("have %v, error %v, failed %v", have, err, DumpFailed(err))
			}
		})
	}
}

func TestDumpWithoutNetlink(t *testing.T) {
	err := New(nil, unix.NETLINK_ROUTE, "rtnetlink").Dump(1, nil, nil, nil)
	if err != ErrUnavailable || !DumpFailed(err) {
		t.Error(err)
	}
}

func TestAttribute(t *testing.T) {
	b := AppendAttribute(nil, 1, []byte{7})
	b = AppendAttribute(b, 2|unix.NLA_F_NESTED, AppendAttribute(nil, 3, Native.AppendUint32(nil, 9)))
	b = AppendAttribute(b, 4|unix.NLA_F_NET_BYTEORDER, []byte("name\x00rest"))
	b = AppendAttribute(b, 5, Native.AppendUint16(nil, 0x1234))
	b = AppendAttribute(b, 6, Native.AppendUint64(nil, 1<<40))
	if len(b)%4 != 0 {
		t.Errorf("%d bytes", len(b))
	}
	var types []uint16
	err := EachAttribute(b, func(a Attribute) error {
		types = append(types, a.Type)
		var u8 uint8
		var u16 uint16
		var u32 uint32
		var u64 uint64
		switch a.Type {
		case 1:
			if err := a.Uint8(&u8); err != nil || u8 != 7 {
				t.Error(u8, err)
			}
		case 2:
			return a.Each(func(a Attribute) error {
				if err := a.Uint32(&u32); err != nil || u32 != 9 || a.Type != 3 {
					t.Error(u32, err)
				}
				return nil
			})
		case 4:
			if string(a.Text()) != "name" {
				t.Errorf("%q", a.Text())
			}
		case 5:
			if err := a.Uint16(&u16); err != nil || u16 != 0x1234 {
				t.Error(u16, err)
			}
		case 6:
			if err := a.Uint64(&u64); err != nil || u64 != 1<<40 {
				t.Error(u64, err)
			}
		}
		for size, err := range map[int]error{1: a.Uint8(&u8), 2: a.Uint16(&u16), 4: a.Uint32(&u32), 8: a.Uint64(&u64)} {
			if (err == nil) != (len(a.Data) == size) {
				t.Errorf("attribute %d of %d bytes as a number of %d: %v", a.Type, len(a.Data), size, err)
			}
		}
		return nil
	})
	if err != nil || !slices.Equal(types, []uint16{1, 2, 4, 5, 6}) {
		t.Error(types, err)
	}
}

func TestAttributeErrors(t *testing.T) {
	good := AppendAttribute(nil, 1, []byte{1, 2, 3, 4})
	for name, b := range map[string][]byte{
		"too short for a header":         good[:3],
		"longer than the rest":           good[:7],
		"shorter than its header":        {3, 0, 1, 0},
		"a second one that is too short": append(slices.Clone(good), 1),
	} {
		if err := EachAttribute(b, func(Attribute) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	nested := Attribute{Type: 9, Data: good[:7]}
	if err := nested.Each(func(Attribute) error { return nil }); err == nil || !strings.Contains(err.Error(), "attribute 9: ") {
		t.Error(err)
	}
	stop := errors.New("stop")
	if err := EachAttribute(append(slices.Clone(good), good...), func(Attribute) error { return stop }); err != stop {
		t.Error(err)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add(AppendAttribute(nil, 2, AppendAttribute(nil, 3, []byte{1})))
	f.Add([]byte{4, 0, 0, 0, 5, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		err := EachAttribute(b, func(a Attribute) error {
			total += len(a.Data) + unix.SizeofNlAttr
			_ = a.Each(func(Attribute) error { return nil })
			_ = a.Text()
			return nil
		})
		if total > len(b) || err == nil && total == 0 && len(b) > 0 {
			t.Errorf("%d bytes of %d in attributes, error %v", total, len(b), err)
		}
	})
}
