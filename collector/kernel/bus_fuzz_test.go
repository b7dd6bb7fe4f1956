package kernel

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	godbus "github.com/godbus/dbus/v5"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// A bodyBus is a bus whose services reply with the body of a message, which may be
// anything, behind a header that is in order.
type bodyBus struct {
	t    testing.TB
	body func(name string) (signature string, body []byte) // of a method or property
}

func (b *bodyBus) dial(context.Context, bool) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer func() { _ = theirs.Close() }()
		if golden.ServeAuthentication(theirs) != nil {
			return
		}
		for {
			call, err := godbus.DecodeMessage(theirs)
			if err != nil {
				return
			}
			if _, err := theirs.Write(b.reply(call)); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

func (b *bodyBus) reply(call *godbus.Message) []byte {
	name, _ := call.Headers[godbus.FieldMember].Value().(string)
	if name == "Get" {
		name = call.Body[1].(string)
	}
	signature, body := b.body(name)
	return replyMessage(b.t, call.Serial(), signature, body)
}

// replyMessage returns a reply with a body.
func replyMessage(t testing.TB, serial uint32, signature string, body []byte) []byte {
	fields := []string{"5", "u", strconv.Itoa(int(serial)), "7", "s", ":1.1"}
	if signature != "" {
		fields = append(fields, "8", "g", signature)
	}
	m := golden.DBusEncoder{'l', 2, 0, 1}
	m = binary.LittleEndian.AppendUint32(m, uint32(len(body)))
	m = binary.LittleEndian.AppendUint32(m, 1)
	if err := m.Encode("a(yv)", append([]string{strconv.Itoa(len(fields) / 3)}, fields...)); err != nil {
		t.Error(err)
	}
	for len(m)%8 != 0 {
		m = append(m, 0)
	}
	return append(m, body...)
}

// variant returns the body of a reply to Get: a signature, and a value behind padding.
func variant(signature string, value []byte) []byte {
	b := append([]byte{byte(len(signature))}, signature...)
	b = append(b, 0)
	for align := map[string]int{"t": 8}[signature]; len(b)%max(align, 4) != 0; {
		b = append(b, 0)
	}
	return append(b, value...)
}

// rowsOf returns the number of rows of a list in a body, by another implementation. It
// reports false if that does not accept the body. On some malformed bodies it never
// returns.
func rowsOf(t testing.TB, signature string, body []byte) (rows int, ok bool) {
	defer func() {
		if recover() != nil { // it does so for some bodies
			rows, ok = 0, false
		}
	}()
	m, err := godbus.DecodeMessage(bytes.NewReader(replyMessage(t, 1, signature, body)))
	if err != nil || len(m.Body) != 1 {
		return 0, false
	}
	list, ok := m.Body[0].([][]any)
	return len(list), ok
}

// encodeBody returns values in the words of busctl.
func encodeBody(t testing.TB, signature, words string) []byte {
	var e golden.DBusEncoder
	if err := e.Encode(signature, strings.Fields(words)); err != nil {
		t.Fatal(err)
	}
	return e
}

// sumOf runs a collector once on a bus, and returns the sum of a family.
func sumOf(t testing.TB, spec collect.Spec, options map[string][]string, b *bodyBus, family string) (sum float64, errs int, err error) {
	set := metric.NewSet()
	h := &host.Host{Sys: host.NewTree("/nonexistent"), Now: time.Now, DialBus: b.dial}
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		t.Fatal(err)
	}
	switch c := c.(type) {
	case *systemdCollector:
		defer c.client.Close()
	case *logindCollector:
		defer c.client.Close()
	}
	out := metric.NewSink(set)
	out.Reset(metric.Text)
	err = c.Update(inAMinute{t.Context()}, out)
	out.Finish()
	all, more := out.Errors()
	out.VisitSamples(family, func(string) bool { return true }, func(_ metric.Labels, v float64) { sum += v })
	return sum, len(all) + more, err
}

// FuzzLogindReplies has logind reply with any bodies. The collector counts as many
// sessions as another implementation finds in the lists that both accept.
func FuzzLogindReplies(f *testing.F) {
	const seats, sessions = "a(so)", "a(susso)"
	f.Add(encodeBody(f, seats, `1 "seat0" "/org/freedesktop/login1/seat/seat0"`),
		encodeBody(f, sessions, `2 "1" 1000 "alice" "seat0" "/org/freedesktop/login1/session/_31" "2" 0 "root" "" "/org/freedesktop/login1/session/_32"`),
		encodeBody(f, "s", `"tty"`))
	f.Add(encodeBody(f, seats, "0"), encodeBody(f, sessions, "0"), []byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, seatList, sessionList, value []byte) {
		b := &bodyBus{t, func(name string) (string, []byte) {
			switch name {
			case "ListSeats":
				return seats, seatList
			case "ListSessions":
				return sessions, sessionList
			case "Remote":
				return "v", variant("b", []byte{1, 0, 0, 0})
			case "Type", "Class":
				return "v", variant("s", value)
			}
			return "", nil
		}}
		sum, errs, err := sumOf(t, logind, nil, b, "node_logind_sessions")
		if err != nil {
			return
		}
		if rows, ok := rowsOf(t, sessions, sessionList); ok && (int(sum) > rows || int(sum) < rows && errs == 0) {
			t.Errorf("%v sessions of %d, %d errors", sum, rows, errs)
		}
	})
}

// FuzzSystemdReplies has systemd reply with any bodies. The collector counts no more
// units than another implementation finds in a list that both accept.
func FuzzSystemdReplies(f *testing.F) {
	const units = "a(ssssssouso)"
	const row = ` "loaded" "active" "running" "" "/org/freedesktop/systemd1/unit/x" 0 "" "/"`
	f.Add(encodeBody(f, units, `3 "a.service" "A"`+row+` "b.socket" "B"`+strings.ReplaceAll(row, "unit/x", "unit/y")+` "c.timer" "C"`+strings.ReplaceAll(row, "unit/x", "unit/z")),
		encodeBody(f, "s", `"simple"`), []byte{7, 0, 0, 0, 0, 0, 0, 0})
	f.Add(encodeBody(f, units, `1 "a.mount" "A"`+row), encodeBody(f, "s", `""`), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(encodeBody(f, units, "0"), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, list, text, number []byte) {
		b := &bodyBus{t, func(name string) (string, []byte) {
			switch name {
			case "ListUnits":
				return units, list
			case "AddMatch", "Subscribe", "Hello":
				return "", nil
			}
			for _, p := range unitProperties {
				switch {
				case p.name != name:
				case p.signature == "s":
					return "v", variant("s", text)
				default:
					return "v", variant(p.signature, number)
				}
			}
			return "v", variant("s", text) // of the manager
		}}
		sum, _, err := sumOf(t, systemd, allSystemdOptions, b, "node_systemd_units")
		if err != nil {
			return
		}
		if rows, ok := rowsOf(t, units, list); ok && int(sum) > rows {
			t.Errorf("%v units of %d", sum, rows)
		}
	})
}
