package snapshot

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An Archive is the content of a .host file.
type Archive struct {
	Description string
	Settings    []Setting
	Entries     []Entry
	// Complete writes a line at the end, by which Parse finds that a file was cut off.
	Complete bool
}

// Setting returns the value of a setting, or "".
func (a *Archive) Setting(key string) string {
	for _, s := range a.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
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
	Unread
)

// String returns the name of a kind.
func (k Kind) String() string {
	return [...]string{"file", "link", "error", "folder", "hangs", "deleted", "names"}[k]
}

// An Entry is one section.
type Entry struct {
	Moment int // counted from 1
	Path   string
	Kind   Kind
	Data   []byte // of a File, or the names of Unread, one in a line
	Target string // of a Link, or the errno of a Fault
	Mode   os.FileMode
	Mtime  time.Time // of a File; zero: the time of the host's clock
}

var section = regexp.MustCompile(`^-- (?:@(\d+) )?("(?:[^"\\]|\\.)*"|.+?)(?: -> (.+)| !(E[A-Z0-9]+)| (folder|fifo|deleted|unread)|( escaped)?(?: mode (0[0-7]{3}))?(?: mtime (\S+Z))?) --$`)

const (
	// lead begins a section.
	lead = "-- "
	// lastLine ends a file whose settings have the line completeSetting.
	lastLine        = "-- end --"
	completeSetting = "ends with"

	// maxSize is the maximum size of an archive that is not compressed, and maxEntries
	// the maximum number of its entries: what is larger is no snapshot, but eats memory.
	maxSize    = 256 << 20
	maxEntries = 2 << 20
	maxLine    = 16 << 20
)

// Load reads a .host file, which may be compressed. Errors name the file and the entry.
func Load(file string) (*Archive, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	a, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return a, nil
}

// unpack returns the content of a gzip file, and other content as it is.
func unpack(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(z, maxSize+1))
	switch {
	case err == io.ErrUnexpectedEOF:
		return nil, errCutOff
	case err != nil:
		return nil, err
	case len(b) > maxSize:
		return nil, fmt.Errorf("want at most %d bytes when it is unpacked", maxSize)
	}
	return b, nil
}

var errCutOff = errors.New("the file is cut off")

// maxMoment catches a typing error: each moment is a reading.
const maxMoment = 100

// Parse reads the content of a .host file, which may be compressed by gzip. It refuses
// paths that are absolute or lead upward.
func Parse(data []byte) (*Archive, error) {
	data, err := unpack(data)
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("want at most %d bytes, have %d", maxSize, len(data))
	}
	a := &Archive{}
	ended := false
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
		if len(a.Entries) == maxEntries {
			return fmt.Errorf("%s: want at most %d entries", current.Path, maxEntries)
		}
		current.Data = body
		a.Entries = append(a.Entries, *current)
		return nil
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, maxLine)
	for sc.Scan() {
		line := sc.Text()
		if ended {
			return nil, fmt.Errorf("want nothing after %q", lastLine)
		}
		if line == lastLine && a.Complete {
			ended = true
			continue
		}
		var m []string
		if strings.HasPrefix(line, lead) {
			m = section.FindStringSubmatch(line)
		}
		if m == nil {
			if current != nil {
				body = append(append(body, line...), '\n')
			} else if key, value, ok := strings.Cut(line, " = "); ok && settingKey(key) {
				if key == completeSetting {
					a.Complete = true
					continue
				}
				a.Settings = append(a.Settings, Setting{key, value})
			} else {
				a.Description += line + "\n"
			}
			continue
		}
		if err := finish(); err != nil {
			return nil, err
		}
		e := Entry{Moment: 1, Mode: 0o644}
		if e.Path, err = unquoted(m[2]); err == nil {
			err = checkPath(e.Path)
		}
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", m[2], err)
		}
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
			if e.Mtime, err = time.Parse(time.RFC3339Nano, m[8]); err != nil {
				return nil, fmt.Errorf("%s: %w", e.Path, err)
			}
		}
		escaped = m[6] != ""
		switch {
		case m[3] != "":
			e.Kind = Link
			if e.Target, err = unquoted(m[3]); err != nil {
				return nil, fmt.Errorf("entry %q: target: %w", m[2], err)
			}
		case m[4] != "":
			e.Kind, e.Target = Fault, m[4]
		case m[5] == "folder":
			e.Kind = Folder
		case m[5] == "fifo":
			e.Kind = Fifo
		case m[5] == "unread":
			e.Kind = Unread
		case m[5] == "deleted":
			e.Kind = Deleted
		}
		current, body = &e, nil
	}
	last := "the settings"
	if current != nil {
		last = current.Path
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("after %s: %w", last, err)
	}
	if a.Complete && !ended {
		return nil, fmt.Errorf("%w after %s", errCutOff, last)
	}
	return a, finish()
}

// checkPath refuses paths that are not below the root of a host.
func checkPath(p string) error {
	if p == "" || p[0] == '/' || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") || strings.ContainsRune(p, 0) {
		return errors.New("want a path below the root of the host, without dots")
	}
	return nil
}

// unquoted returns a path or a target of a section.
func unquoted(s string) (string, error) {
	if s[0] != '"' {
		return s, nil
	}
	text, err := strconv.Unquote(s)
	if err == nil && text == "" {
		err = errors.New("want a name, have none")
	}
	return text, err
}

// quoted returns a path or a target for a section, in quotes if it could be read as
// something else.
func quoted(s string) string {
	if !utf8.ValidString(s) || s[0] == '"' || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f }) {
		return strconv.QuoteToASCII(s)
	}
	if m := section.FindStringSubmatch(lead + s + " --"); m == nil || m[1] != "" || m[2] != s {
		return strconv.QuoteToASCII(s)
	}
	return s
}

func settingKey(key string) bool {
	switch key {
	case "clock", "arch", "page-size", "timeout", "version", "collectors", "identity", completeSetting:
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
	if a.Complete {
		fmt.Fprintf(&b, "%s = %s\n", completeSetting, lastLine)
	}
	for _, e := range a.Entries {
		b.WriteString(lead)
		if e.Moment > 1 {
			fmt.Fprintf(&b, "@%d ", e.Moment)
		}
		b.WriteString(quoted(e.Path))
		switch e.Kind {
		case Link:
			b.WriteString(" -> " + quoted(e.Target))
		case Fault:
			b.WriteString(" !" + e.Target)
		case Folder:
			b.WriteString(" folder")
		case Fifo:
			b.WriteString(" fifo")
		case Deleted:
			b.WriteString(" deleted")
		case Unread:
			b.WriteString(" unread")
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
	if a.Complete {
		b.WriteString(lastLine + "\n")
	}
	return b.Bytes()
}

// maxEscaped is the maximum number of bytes in a line of escapes.
const maxEscaped = 64 << 10

// escape writes content in Go's escapes, line by line.
func escape(data []byte) []byte {
	var b []byte
	for len(data) > 0 {
		line := data[:min(len(data), maxEscaped)]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		data = data[len(line):]
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
