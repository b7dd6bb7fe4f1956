package snapshot

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// dialBus connects to a bus whose services reply with the lines of syscall/dbus,
// or to a systemd that replies with those of syscall/systemd-private. A line is a
// path, a method or property, and its value in the words of busctl; lines that
// begin with a tab continue it:
//
//	/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager.Version s "252.39"
//	/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager.ListUnits a(ssssssouso) 1
//		"dbus.service" "D-Bus" "loaded" "active" "running" "" "/org/…/dbus_2eservice" 0 "" "/"
//	/org/…/dbus_2eservice org.freedesktop.systemd1.Service.NRestarts !org.freedesktop.DBus.Error.UnknownProperty None.
//	/org/…/dbus_2eservice org.freedesktop.systemd1.Service.Type hang
//	/org/…/dbus_2eservice org.freedesktop.systemd1.Service.Type close
//	owner :1.7
//	signal /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager.Reloading b true
//
// hang gives no reply, close ends the connection. The owner of all names is :1.1
// if no line says otherwise. Signals are sent when a later moment of the host
// brings them, before anything else.
func (r *answers) dialBus(_ context.Context, private bool) (net.Conn, error) {
	section, address := busSection, "/run/dbus/system_bus_socket"
	if private {
		section, address = privateBusSection, "/run/systemd/private"
	}
	_, err := r.sections.Section(section)
	if absent(err) {
		err = unix.ENOENT
	}
	name := &net.UnixAddr{Net: "unix", Name: address}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: name, Err: os.NewSyscallError("connect", err)}
	}
	ours, theirs := net.Pipe()
	go func() {
		defer func() { _ = theirs.Close() }()
		b := recordedBus{conn: theirs, sections: r.sections, name: section}
		_ = b.serve() // the client has its connection end
	}()
	return &namedConn{ours, name}, nil
}

// The sections of the system bus, and of the private socket of systemd.
const (
	busSection        = "dbus"
	privateBusSection = "systemd-private"
)

// A namedConn is a connection that says to whom it is.
type namedConn struct {
	net.Conn
	peer net.Addr
}

func (c *namedConn) RemoteAddr() net.Addr { return c.peer }

// A recordedBus is one connection of dialBus.
type recordedBus struct {
	conn     net.Conn
	sections Sections
	name     string // of the section
	content  []byte // of the section, as it was last
	lines    []string
	serial   uint32
}

// serve answers until the client closes the connection.
func (b *recordedBus) serve() error {
	if err := ServeAuthentication(b.conn); err != nil {
		return nil
	}
	for {
		call, err := readBusMessage(b.conn)
		if err == io.EOF || err == io.ErrClosedPipe {
			return nil
		}
		if err != nil {
			return err
		}
		if done, err := b.answer(call); done || err != nil {
			return err
		}
	}
}

// ServeAuthentication is the part of a server in the authentication of D-Bus.
func ServeAuthentication(conn net.Conn) error {
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return err
	}
	for _, step := range []struct{ want, reply string }{
		{"AUTH EXTERNAL\r\n", "DATA\r\n"}, {"DATA\r\n", "OK 00\r\n"}, {"BEGIN\r\n", ""},
	} {
		line := make([]byte, len(step.want))
		if _, err := io.ReadFull(conn, line); err != nil {
			return err
		}
		if string(line) != step.want {
			return fmt.Errorf("want %q, have %q", step.want, line)
		}
		if _, err := io.WriteString(conn, step.reply); err != nil {
			return err
		}
	}
	return nil
}

// answer replies to a call. It reports whether the connection ends.
func (b *recordedBus) answer(call *busMessage) (done bool, err error) {
	content, err := b.sections.Section(b.name)
	if err != nil {
		return true, nil
	}
	changed := !bytes.Equal(b.content, content)
	if changed || b.lines == nil {
		whole := strings.ReplaceAll(string(content), "\n\t", " ")
		b.lines = strings.Split(strings.TrimSuffix(whole, "\n"), "\n")
	}
	lines := b.lines
	sender := ":1.1"
	for _, line := range lines {
		if name, ok := strings.CutPrefix(line, "owner "); ok {
			sender = name
		}
	}
	if b.content != nil && changed {
		for _, line := range lines {
			if signal, ok := strings.CutPrefix(line, "signal "); ok {
				if err := b.signal(sender, signal); err != nil {
					return true, fmt.Errorf("%s: %w", line, err)
				}
			}
		}
	}
	b.content = content

	if call.iface == "org.freedesktop.DBus" || call.member == "Subscribe" || call.member == "Ping" {
		value := ""
		if call.member == "Hello" {
			value = `s ":1.2"`
		}
		return false, b.reply(sender, call.serial, value)
	}
	name, isProperty := call.asks()
	value := missing(lines, call.destination, call.path)
	for _, line := range lines {
		if v, ok := strings.CutPrefix(line, call.path+" "+name+" "); ok {
			value = v
			if isProperty && v[0] != '!' && v != "hang" && v != "close" {
				value = "v " + v
			}
		}
	}
	switch value {
	case "hang":
		return false, nil
	case "close": // once what the client is about to send is there
		_ = b.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, _ = io.Copy(io.Discard, b.conn)
		return true, nil
	}
	if err := b.reply(sender, call.serial, value); err != nil {
		return true, fmt.Errorf("%s %s: %w", call.path, name, err)
	}
	return false, nil
}

// asks returns the method that a message calls, or the property that it reads.
func (m *busMessage) asks() (name string, isProperty bool) {
	name = m.iface + "." + m.member
	if name != "org.freedesktop.DBus.Properties.Get" || len(m.words) != 2 {
		return name, false
	}
	iface, _ := strconv.Unquote(m.words[0])
	property, _ := strconv.Unquote(m.words[1])
	return iface + "." + property, true
}

// missing returns the reply to a call that no line answers.
func missing(lines []string, destination, path string) string {
	service := destination == ""
	for _, line := range lines {
		if strings.HasPrefix(line, path+" ") {
			return "!org.freedesktop.DBus.Error.UnknownProperty Unknown property or interface."
		}
		service = service || strings.Contains(line, " "+destination+".")
	}
	if !service {
		return "!org.freedesktop.DBus.Error.NameHasNoOwner Could not get owner of name '" + destination + "': no such name"
	}
	return "!org.freedesktop.DBus.Error.UnknownObject Unknown object '" + path + "'."
}

// reply sends a value, or the error behind an exclamation mark.
func (b *recordedBus) reply(sender, serial, value string) error {
	head := []string{"5", "u", serial, "7", "s", strconv.Quote(sender)}
	if name, ok := strings.CutPrefix(value, "!"); ok {
		name, message, _ := strings.Cut(name, " ")
		return b.send(3, append(head, "4", "s", strconv.Quote(name)), "s "+strconv.Quote(message))
	}
	return b.send(2, head, value)
}

func (b *recordedBus) signal(sender, line string) error {
	f := strings.SplitN(line+" ", " ", 3)
	dot := strings.LastIndexByte(f[1], '.')
	return b.send(4, []string{
		"1", "o", f[0], "2", "s", f[1][:dot], "3", "s", f[1][dot+1:], "7", "s", strconv.Quote(sender),
	}, strings.TrimSpace(f[2]))
}

// send sends a message with some header fields and a value.
func (b *recordedBus) send(kind byte, fields []string, value string) error {
	b.serial++
	m, err := EncodeMessage(kind, b.serial, fields, value)
	if err == nil {
		_, err = b.conn.Write(m)
	}
	return err
}

// EncodeMessage returns a message of D-Bus with header fields and a value, both in
// the words of busctl.
func EncodeMessage(kind byte, serial uint32, fields []string, value string) ([]byte, error) {
	var body DBusEncoder
	tokens, err := words(value)
	if err != nil {
		return nil, err
	}
	if len(tokens) > 0 {
		fields = append(fields, "8", "g", tokens[0])
		if err := body.Encode(tokens[0], tokens[1:]); err != nil {
			return nil, err
		}
	}
	m := DBusEncoder{'l', kind, 0, 1}
	m = binary.LittleEndian.AppendUint32(m, uint32(len(body)))
	m = binary.LittleEndian.AppendUint32(m, serial)
	if err := m.Encode("a(yv)", append([]string{strconv.Itoa(len(fields) / 3)}, fields...)); err != nil {
		return nil, err
	}
	m.align(8)
	return append(m, body...), nil
}

// words splits a value: at blanks, but not within quotes.
func words(s string) (all []string, err error) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		word, _, _ := strings.Cut(s, " ")
		if s[0] == '"' {
			if word, err = strconv.QuotedPrefix(s); err != nil {
				return nil, fmt.Errorf("%s: %w", s, err)
			}
		}
		all = append(all, word)
		s = s[len(word):]
	}
	return all, nil
}

// A DBusEncoder is values in the wire format of D-Bus, little-endian.
type DBusEncoder []byte

func (e *DBusEncoder) align(n int) {
	for len(*e)%n != 0 {
		*e = append(*e, 0)
	}
}

// Encode appends values that busctl would write as these words: an array after
// the number of its elements, a variant after its signature.
func (e *DBusEncoder) Encode(signature string, words []string) error {
	rest, err := e.all(signature, words, 0)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%s: %d words too many: %s", signature, len(rest), rest[0])
	}
	return err
}

func (e *DBusEncoder) all(signature string, words []string, depth int) (rest []string, err error) {
	for signature != "" && err == nil {
		var one string
		if one, err = firstType(signature); err == nil {
			words, err = e.one(one, words, depth+1)
		}
		signature = signature[len(one):]
	}
	return words, err
}

func (e *DBusEncoder) one(signature string, words []string, depth int) (rest []string, err error) {
	if depth > maxBusDepth {
		return nil, errBusDepth
	}
	switch signature[0] {
	case '(', '{':
		e.align(8)
		return e.all(signature[1:len(signature)-1], words, depth)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("%s: want a word, have none", signature)
	}
	word, words := words[0], words[1:]
	n, err := strconv.ParseUint(word, 0, 64)
	if err != nil {
		var negative int64
		negative, err = strconv.ParseInt(word, 0, 64)
		n = uint64(negative)
	}
	switch signature[0] {
	case 'a':
		return e.array(signature[1:], n, words, depth)
	case 'v':
		e.signature(word)
		return e.all(word, words, depth)
	case 'g':
		if word[0] == '"' {
			word, err = strconv.Unquote(word)
		} else {
			err = nil
		}
		e.signature(word)
		return words, err
	case 's', 'o':
		text := word
		if word[0] == '"' {
			text, err = strconv.Unquote(word)
		} else {
			err = nil
		}
		e.align(4)
		*e = binary.LittleEndian.AppendUint32(*e, uint32(len(text)))
		*e = append(append(*e, text...), 0)
		return words, err
	case 'b':
		n, err = 0, nil
		if word == "true" {
			n = 1
		}
		fallthrough
	case 'u', 'i', 'h':
		e.align(4)
		*e = binary.LittleEndian.AppendUint32(*e, uint32(n))
	case 'n', 'q':
		e.align(2)
		*e = binary.LittleEndian.AppendUint16(*e, uint16(n))
	case 't', 'x', 'd':
		e.align(8)
		*e = binary.LittleEndian.AppendUint64(*e, n)
	case 'y':
		*e = append(*e, byte(n))
	default:
		err = fmt.Errorf("want a type of %q, have %q", "(){}abdghinoqstuvxy", signature)
	}
	return words, err
}

func (e *DBusEncoder) array(element string, n uint64, words []string, depth int) (rest []string, err error) {
	e.align(4)
	at := len(*e)
	*e = append(*e, 0, 0, 0, 0)
	e.align(busAlignment(element[0]))
	start := len(*e)
	if n > uint64(len(words)) {
		return nil, fmt.Errorf("a%s: want words for %d elements, have %d", element, n, len(words))
	}
	for range n {
		if words, err = e.one(element, words, depth+1); err != nil {
			return nil, err
		}
	}
	binary.LittleEndian.PutUint32((*e)[at:], uint32(len(*e)-start))
	return words, nil
}

func (e *DBusEncoder) signature(s string) { *e = append(append(append(*e, byte(len(s))), s...), 0) }
