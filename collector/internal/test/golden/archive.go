package golden

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// An Archive is the content of a .host file.
type Archive struct {
	Description string
	Settings    []Setting
	Entries     []Entry
}

// A Setting is one "key = value" line.
type Setting struct{ Key, Value string }

// A Kind is the kind of an Entry.
type Kind int

// The kinds of entries.
const (
	File Kind = iota
	Link
	Fault
	Folder
	Fifo
	Deleted
)

// An Entry is one section.
type Entry struct {
	Moment int // counted from 1
	Path   string
	Kind   Kind
	Data   []byte // of a File
	Target string // of a Link, or the errno of a Fault
	Mode   os.FileMode
	Mtime  time.Time // of a File; zero: the time of the host's clock
}

var section = regexp.MustCompile(`^-- (?:@(\d+) )?(.+?)(?: -> (.+)| !(E[A-Z0-9]+)| (folder|fifo|deleted)|( escaped)?(?: mode (0[0-7]{3}))?(?: mtime (\S+Z))?) --$`)

// maxMoment catches a typing error: each moment is a reading.
const maxMoment = 100

// Parse reads a .host file.
func Parse(data []byte) (*Archive, error) {
	a := &Archive{}
	var current *Entry
	var body []byte
	escaped := false
	finish := func() error {
		if current == nil {
			return nil
		}
		if escaped {
			text, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(string(body), "\n", ""), `"`, `\"`) + `"`)
			if err != nil {
				return fmt.Errorf("%s: %w", current.Path, err)
			}
			body = []byte(text)
		}
		current.Data = body
		a.Entries = append(a.Entries, *current)
		return nil
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 16<<20)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		m := section.FindStringSubmatch(line)
		if m == nil {
			if current != nil {
				body = append(append(body, line...), '\n')
			} else if key, value, ok := strings.Cut(line, " = "); ok && settingKey(key) {
				a.Settings = append(a.Settings, Setting{key, value})
			} else {
				a.Description += line + "\n"
			}
			continue
		}
		if err := finish(); err != nil {
			return nil, err
		}
		e := Entry{Moment: 1, Path: m[2], Mode: 0o644}
		if m[1] != "" {
			e.Moment, _ = strconv.Atoi(m[1])
			if e.Moment < 1 || e.Moment > maxMoment {
				return nil, fmt.Errorf("%s: want a moment from 1 to %d, have %s", e.Path, maxMoment, m[1])
			}
		}
		if m[7] != "" {
			mode, _ := strconv.ParseUint(m[7], 8, 32)
			e.Mode = os.FileMode(mode)
		}
		if m[8] != "" {
			var err error
			if e.Mtime, err = time.Parse(time.RFC3339Nano, m[8]); err != nil {
				return nil, fmt.Errorf("%s: %w", e.Path, err)
			}
		}
		escaped = m[6] != ""
		switch {
		case m[3] != "":
			e.Kind, e.Target = Link, m[3]
		case m[4] != "":
			e.Kind, e.Target = Fault, m[4]
		case m[5] == "folder":
			e.Kind = Folder
		case m[5] == "fifo":
			e.Kind = Fifo
		case m[5] == "deleted":
			e.Kind = Deleted
		}
		current, body = &e, nil
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	return a, finish()
}

func settingKey(key string) bool {
	switch key {
	case "clock", "arch", "page-size", "timeout":
		return true
	}
	return strings.HasPrefix(key, "option ") && !strings.Contains(key[7:], " ")
}

// Format writes a .host file.
func (a *Archive) Format() []byte {
	var b bytes.Buffer
	b.WriteString(a.Description)
	for _, s := range a.Settings {
		fmt.Fprintf(&b, "%s = %s\n", s.Key, s.Value)
	}
	for _, e := range a.Entries {
		b.WriteString("-- ")
		if e.Moment > 1 {
			fmt.Fprintf(&b, "@%d ", e.Moment)
		}
		b.WriteString(e.Path)
		switch e.Kind {
		case Link:
			b.WriteString(" -> " + e.Target)
		case Fault:
			b.WriteString(" !" + e.Target)
		case Folder:
			b.WriteString(" folder")
		case Fifo:
			b.WriteString(" fifo")
		case Deleted:
			b.WriteString(" deleted")
		case File:
			body := e.Data
			if !plain(body) {
				b.WriteString(" escaped")
				body = escape(body)
			}
			if e.Mode != 0o644 {
				fmt.Fprintf(&b, " mode %04o", e.Mode)
			}
			if !e.Mtime.IsZero() {
				b.WriteString(" mtime " + e.Mtime.UTC().Format(time.RFC3339Nano))
			}
			b.WriteString(" --\n")
			b.Write(body)
			continue
		}
		b.WriteString(" --\n")
		b.Write(e.Data)
	}
	return b.Bytes()
}

// escape writes content in Go's escapes, line by line.
func escape(data []byte) []byte {
	var b []byte
	for line := range bytes.Lines(data) {
		q := strconv.QuoteToASCII(string(line))
		q = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
		if strings.HasPrefix(q, "-- ") {
			q = `\x2d` + q[1:] // or it would be read as a section
		}
		b = append(append(b, q...), '\n')
	}
	return b
}

// plain reports whether content can stand in a section as it is.
func plain(b []byte) bool {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return !bytes.HasPrefix(b, []byte("-- ")) && !bytes.Contains(b, []byte("\n-- "))
}
