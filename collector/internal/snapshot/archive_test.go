package snapshot

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	a, err := Parse([]byte(`A host of two
lines, where clock = noon is part of the story.
option device-exclude = ^(a = b)$
option device-exclude = x
clock = 2026-01-02T03:04:05Z
-- proc/plain --
one
-- not a section
 -- nor this --
-- sys/link -> ../../target with -> arrow --
-- sys/broken !EIO --
-- sys/none folder --
-- sys/pipe fifo --
-- sys/escaped escaped --
a\x00b\
\n"quoted"\xff
-- sys/secret mode 0400 --
s
-- sys/all escaped mode 0000 mtime 2026-01-02T03:04:05.5Z --
x
-- sys/with blanks --
-- @2 proc/plain deleted --
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Archive{
		Description: "A host of two\nlines, where clock = noon is part of the story.\n",
		Settings: []Setting{
			{"option device-exclude", "^(a = b)$"}, {"option device-exclude", "x"}, {"clock", "2026-01-02T03:04:05Z"},
		},
		Entries: []Entry{
			{Moment: 1, Path: "proc/plain", Data: []byte("one\n-- not a section\n -- nor this --\n"), Mode: 0o644},
			{Moment: 1, Path: "sys/link", Kind: Link, Target: "../../target with -> arrow", Mode: 0o644},
			{Moment: 1, Path: "sys/broken", Kind: Fault, Target: "EIO", Mode: 0o644},
			{Moment: 1, Path: "sys/none", Kind: Folder, Mode: 0o644},
			{Moment: 1, Path: "sys/pipe", Kind: Fifo, Mode: 0o644},
			{Moment: 1, Path: "sys/escaped", Data: []byte("a\x00b\\n\"quoted\"\xff"), Mode: 0o644},
			{Moment: 1, Path: "sys/secret", Data: []byte("s\n"), Mode: 0o400},
			{Moment: 1, Path: "sys/all", Data: []byte("x"), Mtime: time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC)},
			{Moment: 1, Path: "sys/with blanks", Mode: 0o644},
			{Moment: 2, Path: "proc/plain", Kind: Deleted, Mode: 0o644},
		},
	}
	same(t, a, want)
}

func TestParseRefuses(t *testing.T) {
	for what, text := range map[string]string{
		"a bad escape":              "-- a escaped --\n\\z\n",
		"moment zero":               "-- @0 a --\n",
		"a moment out of range":     "-- @99999999999999999999 a --\n",
		"a day that does not exist": "-- a mtime 2026-02-30T00:00:00Z --\n",
		"an unfinished escape":      "-- a escaped --\nx\\\n",
	} {
		if a, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error, but %+v", what, a.Entries)
		}
	}
}

// same compares archives; content that is empty is nil or not.
func same(t *testing.T, have, want *Archive) {
	t.Helper()
	if have.Description != want.Description || !reflect.DeepEqual(have.Settings, want.Settings) || len(have.Entries) != len(want.Entries) {
		t.Fatalf("have %+v\nwant %+v", have, want)
	}
	for i := range want.Entries {
		h, w := have.Entries[i], want.Entries[i]
		if !bytes.Equal(h.Data, w.Data) {
			t.Errorf("%s: content %q, want %q", w.Path, h.Data, w.Data)
		}
		h.Data, w.Data = nil, nil
		if !reflect.DeepEqual(h, w) {
			t.Errorf("have %+v\nwant %+v", h, w)
		}
	}
}

// FuzzContent writes any content to an archive and reads it back.
func FuzzContent(f *testing.F) {
	for _, s := range []string{"", "\n", "a", "a\n", "a\x00b", "-- a --", "-- a --\n", "x\n-- a --\n", "\x00\n-- a --",
		`back\slash`, `\n`, "\\n\n", `"`, `\"`, "\\\\\"\\", "é\n", "\xff\xfe", "\r\n", "\u2028", "tab\t\n"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, extra bool) {
		e := Entry{Moment: 1, Path: "proc/x", Data: data, Mode: 0o644}
		if extra {
			e.Mode, e.Mtime, e.Moment = 0o400, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), 2
		}
		want := &Archive{Description: "A host.\n", Entries: []Entry{e, {Moment: 1, Path: "proc/y", Kind: Folder, Mode: 0o644}}}
		text := want.Format()
		have, err := Parse(text)
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		same(t, have, want)
	})
}

// FuzzParse writes what was read from any text, and reads it again.
func FuzzParse(f *testing.F) {
	f.Add("A host.\nclock = x\n-- a --\nb\n-- @2 a -> b --\n-- c !EIO --\n-- d fifo --\n-- e escaped --\n\\x00\n-- f mode 0400 --\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse([]byte(text))
		if err != nil || strings.Contains(text, "\r") { // of CR LF, the CR goes
			return
		}
		for _, e := range a.Entries {
			if strings.ContainsAny(e.Path, " @") || !e.Mtime.IsZero() {
				return // can be made to look like something else
			}
		}
		again, err := Parse(a.Format())
		if err != nil {
			t.Fatal(err)
		}
		same(t, again, a)
	})
}
