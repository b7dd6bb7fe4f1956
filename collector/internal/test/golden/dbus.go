package golden

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	godbus "github.com/godbus/dbus/v5"
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
func (r *recordedHost) dialBus(_ context.Context, private bool) (net.Conn, error) {
	section, address := "syscall/dbus", "/run/dbus/system_bus_socket"
	if private {
		section, address = "syscall/systemd-private", "/run/systemd/private"
	}
	file := filepath.Join(r.root, section)
	err := r.faults.At(file)
	if err == nil && !exists(file) {
		err = unix.ENOENT
	}
	name := &net.UnixAddr{Net: "unix", Name: address}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: name, Err: os.NewSyscallError("connect", err)}
	}
	ours, theirs := net.Pipe()
	go func() {
		defer func() { _ = theirs.Close() }()
		b := recordedBus{conn: theirs, file: file}
		if err := b.serve(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err) // the client has its connection end
		}
	}()
	return &namedConn{ours, name}, nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// A namedConn is a connection that says to whom it is.
type namedConn struct {
	net.Conn
	peer net.Addr
}

func (c *namedConn) RemoteAddr() net.Addr { return c.peer }

// A recordedBus is one connection of dialBus.
type recordedBus struct {
	conn    net.Conn
	file    string
	content []byte // of the file, as it was last
	serial  uint32
}

// serve answers until the client closes the connection.
func (b *recordedBus) serve() error {
	if err := ServeAuthentication(b.conn); err != nil {
		return nil
	}
	for {
		call, err := godbus.DecodeMessage(b.conn)
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
func (b *recordedBus) answer(call *godbus.Message) (done bool, err error) {
	content, err := os.ReadFile(b.file)
	if err != nil {
		return true, nil
	}
	content = bytes.ReplaceAll(content, []byte("\n\t"), []byte(" "))
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	sender := ":1.1"
	for _, line := range lines {
		if name, ok := strings.CutPrefix(line, "owner "); ok {
			sender = name
		}
	}
	if changed := b.content != nil && !bytes.Equal(b.content, content); changed {
		for _, line := range lines {
			if signal, ok := strings.CutPrefix(line, "signal "); ok {
				if err := b.signal(sender, signal); err != nil {
					return true, fmt.Errorf("%s: %w", line, err)
				}
			}
		}
	}
	b.content = content

	text := func(f godbus.HeaderField) string { v, _ := call.Headers[f].Value().(string); return v }
	destination, iface, member := text(godbus.FieldDestination), text(godbus.FieldInterface), text(godbus.FieldMember)
	path := string(call.Headers[godbus.FieldPath].Value().(godbus.ObjectPath))
	if iface == "org.freedesktop.DBus" || member == "Subscribe" || member == "Ping" {
		value := ""
		if member == "Hello" {
			value = `s ":1.2"`
		}
		return false, b.reply(sender, call.Serial(), value)
	}
	name := iface + "." + member
	isProperty := name == "org.freedesktop.DBus.Properties.Get"
	if isProperty {
		name = call.Body[0].(string) + "." + call.Body[1].(string)
	}
	value := missing(lines, destination, path)
	for _, line := range lines {
		if v, ok := strings.CutPrefix(line, path+" "+name+" "); ok {
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
	if err := b.reply(sender, call.Serial(), value); err != nil {
		return true, fmt.Errorf("%s %s: %w", path, name, err)
	}
	return false, nil
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
func (b *recordedBus) reply(sender string, serial uint32, value string) error {
	head := []string{"5", "u", strconv.Itoa(int(serial)), "7", "s", strconv.Quote(sender)}
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
	var body DBusEncoder
	tokens, err := words(value)
	if err != nil {
		return err
	}
	if len(tokens) > 0 {
		fields = append(fields, "8", "g", tokens[0])
		if err := body.Encode(tokens[0], tokens[1:]); err != nil {
			return err
		}
	}
	b.serial++
	m := DBusEncoder{'l', kind, 0, 1}
	m = binary.LittleEndian.AppendUint32(m, uint32(len(body)))
	m = binary.LittleEndian.AppendUint32(m, b.serial)
	if err := m.Encode("a(yv)", append([]string{strconv.Itoa(len(fields) / 3)}, fields...)); err != nil {
		return err
	}
	m.align(8)
	_, err = b.conn.Write(append(m, body...))
	return err
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
	rest, err := e.all(signature, words)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%s: %d words too many: %s", signature, len(rest), rest[0])
	}
	return err
}

func (e *DBusEncoder) all(signature string, words []string) (rest []string, err error) {
	for ; signature != "" && err == nil; signature = signature[len(first(signature)):] {
		words, err = e.one(first(signature), words)
	}
	return words, err
}

// first returns the first complete type of a signature.
func first(signature string) string {
	switch signature[0] {
	case 'a':
		return "a" + first(signature[1:])
	case '(':
		n := 1
		for signature[n] != ')' {
			n += len(first(signature[n:]))
		}
		return signature[:n+1]
	}
	return signature[:1]
}

func (e *DBusEncoder) one(signature string, words []string) (rest []string, err error) {
	switch signature[0] {
	case '(':
		e.align(8)
		return e.all(signature[1:len(signature)-1], words)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("%s: want a word, have none", signature)
	}
	word, words := words[0], words[1:]
	n, err := strconv.ParseUint(word, 0, 64)
	switch signature[0] {
	case 'a':
		return e.array(signature[1:], int(n), words)
	case 'v':
		e.signature(word)
		return e.all(word, words)
	case 'g':
		e.signature(word)
		return words, nil
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
	case 'u':
		e.align(4)
		*e = binary.LittleEndian.AppendUint32(*e, uint32(n))
	case 't':
		e.align(8)
		*e = binary.LittleEndian.AppendUint64(*e, n)
	case 'y':
		*e = append(*e, byte(n))
	default:
		err = fmt.Errorf("want a type of %q, have %q", "()abgostuvy", signature)
	}
	return words, err
}

func (e *DBusEncoder) array(element string, n int, words []string) (rest []string, err error) {
	e.align(4)
	at := len(*e)
	*e = append(*e, 0, 0, 0, 0)
	if strings.ContainsAny(element[:1], "(t") {
		e.align(8)
	}
	start := len(*e)
	for range n {
		if words, err = e.one(element, words); err != nil {
			return nil, err
		}
	}
	binary.LittleEndian.PutUint32((*e)[at:], uint32(len(*e)-start))
	return words, nil
}

func (e *DBusEncoder) signature(s string) { *e = append(append(append(*e, byte(len(s))), s...), 0) }
