package dbus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	godbus "github.com/godbus/dbus/v5"
)

// TestCallMatchesGodbus has another implementation decode calls.
func TestCallMatchesGodbus(t *testing.T) {
	var b []byte
	want := []struct {
		destination, path, iface, member string
		args                             []string
	}{
		{"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", nil},
		{"", "/", "a.b", "C", []string{""}},
		{"org.freedesktop.systemd1", "/org/freedesktop/systemd1/unit/a_2eservice", "org.freedesktop.DBus.Properties", "Get", []string{"org.freedesktop.systemd1.Service", "Type"}},
		{"a.b", "/a", "a.b", "Many", []string{"1", "22", "333", "4444", "55555", "é", strings.Repeat("x", 100000)}},
	}
	for i, w := range want {
		b = appendCall(b, uint32(i+1), w.destination, w.path, w.iface, w.member, w.args...)
	}
	r := bytes.NewReader(b)
	for i, w := range want {
		m, err := godbus.DecodeMessage(r)
		if err != nil {
			t.Fatal(err)
		}
		destination, _ := m.Headers[godbus.FieldDestination].Value().(string)
		var args []string
		for _, v := range m.Body {
			args = append(args, v.(string))
		}
		have := fmt.Sprint(m.Type, m.Flags, m.Serial(), destination, m.Headers[godbus.FieldPath].Value(),
			m.Headers[godbus.FieldInterface].Value(), m.Headers[godbus.FieldMember].Value(), args)
		if want := fmt.Sprint(godbus.TypeMethodCall, godbus.FlagNoAutoStart, i+1, w.destination, w.path, w.iface, w.member, w.args); have != want {
			t.Errorf("have %.200s, want %.200s", have, want)
		}
	}
	if r.Len() != 0 {
		t.Errorf("%d bytes are left", r.Len())
	}
}

// encode returns a message in the words of another implementation.
func encode(t testing.TB, order binary.ByteOrder, typ godbus.Type, headers map[godbus.HeaderField]any, body ...any) []byte {
	t.Helper()
	m := godbus.Message{Type: typ, Headers: map[godbus.HeaderField]godbus.Variant{}, Body: body}
	for k, v := range headers {
		m.Headers[k] = godbus.MakeVariant(v)
	}
	if len(body) > 0 {
		m.Headers[godbus.FieldSignature] = godbus.MakeVariant(godbus.SignatureOf(body...))
	}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, order); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parsed(t *testing.T, b []byte) message {
	t.Helper()
	if n, err := size(b); n != len(b) || err != nil {
		t.Fatalf("the size is %d, %v, want %d", n, err, len(b))
	}
	var m message
	if err := m.parse(b); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMessagesOfGodbus(t *testing.T) {
	type pair struct {
		A string
		B godbus.ObjectPath
	}
	type row struct {
		N uint64
		P pair
		V bool
	}
	rows := []row{{1, pair{"", "/"}, true}, {math.MaxUint64, pair{"é\x01", "/a/b"}, false}}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		m := parsed(t, encode(t, order, godbus.TypeMethodReply, map[godbus.HeaderField]any{
			godbus.FieldReplySerial: uint32(0x01020304), godbus.FieldSender: ":1.7", godbus.FieldDestination: ":1.99", godbus.FieldUnixFDs: uint32(3),
		}, uint32(0xfffefdfc), rows, []row{}, godbus.MakeVariant("text"), godbus.MakeVariant(uint64(7)), "end"))
		if m.kind != typeReturn || m.replySerial != 0x01020304 || string(m.sender) != ":1.7" || string(m.signature) != "ua(t(so)b)a(t(so)b)vvs" {
			t.Errorf("%v: %+v", order, m)
		}
		d := m.body
		have := fmt.Sprint(d.Uint32())
		for range 2 {
			for end := d.Array(8); d.More(end); {
				d.Struct()
				have += fmt.Sprint(" ", d.Uint64())
				d.Struct()
				have += fmt.Sprintf(" %q %q %d", d.Text(), d.Text(), d.Uint32())
			}
		}
		have += fmt.Sprintf(" %s %s", d.Signature(), d.Text())
		have += fmt.Sprintf(" %s %d", d.Signature(), d.Uint64())
		have += fmt.Sprintf(" %s", d.Text())
		if want := `4294901244 1 "" "/" 1 18446744073709551615 "é\x01" "/a/b" 0 s text t 7 end`; have != want || d.Err() != nil {
			t.Errorf("%v: have %s, %v\nwant %s", order, have, d.Err(), want)
		}
		if d.Uint32(); d.Err() == nil {
			t.Errorf("%v: no error behind the end", order)
		}
		m = parsed(t, encode(t, order, godbus.TypeSignal, map[godbus.HeaderField]any{
			godbus.FieldPath: godbus.ObjectPath("/a"), godbus.FieldInterface: "b.c", godbus.FieldMember: "D",
		}))
		if m.kind != typeSignal || string(m.path) != "/a" || string(m.iface) != "b.c" || string(m.member) != "D" {
			t.Errorf("%v: %+v", order, m)
		}
		m = parsed(t, encode(t, order, godbus.TypeError, map[godbus.HeaderField]any{
			godbus.FieldReplySerial: uint32(9), godbus.FieldErrorName: "x.y",
		}, "why"))
		if m.kind != typeError || m.replySerial != 9 || string(m.errorName) != "x.y" || string(m.body.Text()) != "why" {
			t.Errorf("%v: %+v", order, m)
		}
	}
}

func TestMalformedMessages(t *testing.T) {
	good := encode(t, binary.LittleEndian, godbus.TypeMethodReply, map[godbus.HeaderField]any{godbus.FieldReplySerial: uint32(1)}, "x")
	for want, spoil := range map[string]func(b []byte){
		`begins with l or B, have "x"`:             func(b []byte) { b[0] = 'x' },
		"want a message of at most 33554432 bytes": func(b []byte) { b[7] = 0x7f },
		"have 4294967280 and 6":                    func(b []byte) { binary.LittleEndian.PutUint32(b[12:], 1<<32-16) },
		"want a body within":                       func(b []byte) { b[4] = 200 },
		"header: malformed at byte 16 of":          func(b []byte) { b[12] += 64 },
		"header: malformed at byte 18 of":          func(b []byte) { b[17] = 250 },
		"header: malformed at byte 20 of":          func(b []byte) { copy(b[16:], "\x05\x01u\x01") },
		`of type s, o, g or u, have "v"`:           func(b []byte) { copy(b[16:], "\x05\x01v\x00") },
		"header: malformed at byte 24 of":          func(b []byte) { copy(b[16:], "\x05\x01s\x00\xff\xff\xff\xff") },
	} {
		b := bytes.Clone(good)
		spoil(b)
		_, err := size(b)
		if err == nil {
			err = new(message).parse(b)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %s", err, want)
		}
	}
}

// FuzzMessage parses any bytes, and reads values of them in any order.
func FuzzMessage(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		f.Add(encode(f, order, godbus.TypeMethodReply, map[godbus.HeaderField]any{godbus.FieldReplySerial: uint32(1), godbus.FieldSender: ":1.1"},
			[]string{"a", "b"}, uint64(1)), []byte("aTTT8"))
		f.Add(encode(f, order, godbus.TypeSignal, map[godbus.HeaderField]any{
			godbus.FieldPath: godbus.ObjectPath("/a"), godbus.FieldInterface: "b.c", godbus.FieldMember: "D"}, godbus.MakeVariant("x")), []byte("gT48"))
	}
	f.Fuzz(func(t *testing.T, b, values []byte) {
		if len(b) < headSize {
			return
		}
		n, err := size(b)
		if err != nil || n > len(b) {
			return
		}
		b = b[:n:n]
		var m message
		if m.parse(b) != nil {
			return
		}
		d := m.body
		for _, v := range values {
			before := d.pos
			switch v {
			case '4':
				d.Uint32()
			case '8':
				d.Uint64()
			case 'T':
				d.Text()
			case 'g':
				d.Signature()
			case 'a':
				if end := d.Array(8); d.Err() == nil && end > len(d.b) {
					t.Errorf("an array ends at %d of %d", end, len(d.b))
				}
			case 's':
				d.Struct()
			}
			if d.pos < before {
				t.Errorf("position %d after %d", d.pos, before)
			}
			if d.Err() == nil && d.pos > len(d.b)+7 {
				t.Errorf("position %d of %d", d.pos, len(d.b))
			}
		}
	})
}
