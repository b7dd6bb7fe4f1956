package command

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// A fakeFile is one file of a fake host.
type fakeFile struct {
	mode   fs.FileMode
	owner  uint32
	target string // of a symbolic link
}

// fakePolicy returns the policy of an exporter that runs as user 998.
func fakePolicy() pathPolicy {
	const dir, link = fs.ModeDir | 0o755, fs.ModeSymlink | 0o777
	files := map[string]fakeFile{
		"/":                  {mode: dir},
		"/bin":               {mode: link, target: "usr/bin"},
		"/usr":               {mode: dir},
		"/usr/bin":           {mode: dir},
		"/usr/bin/sh":        {mode: link, target: "dash"},
		"/usr/bin/dash":      {mode: 0o755},
		"/usr/bin/sudo":      {mode: 0o755 | fs.ModeSetuid},
		"/usr/bin/loop":      {mode: link, target: "/bin/loop"},
		"/usr/bin/lure":      {mode: link, target: "/tmp/evil"},
		"/usr/bin/up":        {mode: link, target: "../../srv/own"},
		"/usr/bin/dangling":  {mode: link, target: "nothing"},
		"/tmp":               {mode: fs.ModeDir | fs.ModeSticky | 0o777},
		"/tmp/evil":          {mode: 0o755},
		"/srv":               {mode: dir},
		"/srv/own":           {mode: 0o700, owner: 998},
		"/srv/other":         {mode: 0o755, owner: 1000},
		"/srv/group":         {mode: 0o775},
		"/srv/world":         {mode: 0o757},
		"/srv/data":          {mode: 0o644},
		"/srv/theirs":        {mode: dir, owner: 1000},
		"/srv/theirs/script": {mode: 0o755},
		"/srv/shared":        {mode: fs.ModeDir | fs.ModeSetgid | 0o775},
		"/srv/shared/script": {mode: 0o755},
		"/srv/shared/link":   {mode: link, target: "/usr/bin/dash"},
	}
	find := func(path string) (fakeFile, error) {
		f, ok := files[path]
		if !ok {
			return f, &fs.PathError{Op: "lstat", Path: path, Err: fs.ErrNotExist}
		}
		return f, nil
	}
	return pathPolicy{
		uid:      998,
		lstat:    func(path string) (fs.FileMode, uint32, error) { f, err := find(path); return f.mode, f.owner, err },
		readlink: func(path string) (string, error) { f, err := find(path); return f.target, err },
	}
}

func TestPathPolicy(t *testing.T) {
	for _, c := range []struct{ path, safe, unsafe string }{
		{"/bin/sh", "", ""},
		{"//usr//bin/./dash", "", ""},
		{"/usr/bin/sudo", "", ""},
		{"/usr/bin/up", "", ""},
		{"/srv/own", "", ""},
		{"/srv/../srv/own", "", ""},
		{"/srv/other", "/srv/other: want root or user 998 as the owner, have user 1000", ""},
		{"/srv/group", "/srv/group: writable by other users (mode 0775)", ""},
		{"/srv/world", "/srv/world: writable by other users (mode 0757)", ""},
		{"/tmp/evil", "/tmp: writable by other users (mode 1777)", ""},
		{"/usr/bin/lure", "/tmp: writable by other users (mode 1777)", ""},
		{"/srv/theirs/script", "/srv/theirs: want root or user 998 as the owner, have user 1000", ""},
		{"/srv/shared/script", "/srv/shared: writable by other users (mode 2775)", ""},
		{"/srv/shared/link", "/srv/shared: writable by other users (mode 2775)", ""},
		{"/usr/bin/loop", "/usr/bin/loop: more than 40 symbolic links", "/usr/bin/loop: more than 40 symbolic links"},
		{"/usr/bin/dangling", "/usr/bin/nothing: file does not exist", "/usr/bin/nothing: file does not exist"},
		{"/srv/data", "/srv/data: want an executable file, have mode 0644", "/srv/data: want an executable file, have mode 0644"},
		{"/srv", "/srv: want a file, have a directory", "/srv: want a file, have a directory"},
		{"/srv/data/x", "/srv/data: want a directory, have a file", "/srv/data: want a directory, have a file"},
		{"bin/sh", `want an absolute path, have "bin/sh"`, `want an absolute path, have "bin/sh"`},
		{"", `want an absolute path, have ""`, `want an absolute path, have ""`},
	} {
		for unsafe, want := range map[bool]string{false: c.safe, true: c.unsafe} {
			have := ""
			if err := fakePolicy().check(c.path, unsafe); err != nil {
				have = err.Error()
			}
			if have != want {
				t.Errorf("%s, unsafe %t:\nhave %q\nwant %q", c.path, unsafe, have, want)
			}
		}
	}
	if err := fakePolicy().check("/usr/bin/none", false); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestParseProcess(t *testing.T) {
	const rest = " S 17 42 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 9"
	p, ok := parseProcess([]byte("42 (a (b) c)" + rest + "\n"))
	if want := (process{pid: 42, parent: 17, group: 42, start: 123456, state: 'S', name: "a (b) c"}); !ok || p != want {
		t.Errorf("%+v, %t", p, ok)
	}
	for _, bad := range []string{"", "42", "42 (x)", "42 )x(" + rest, "x (x)" + rest, "42 (x) S y 42", strings.Replace("42 (x)"+rest, "17", "-", 1)} {
		if p, ok := parseProcess([]byte(bad)); ok {
			t.Errorf("%q: %+v", bad, p)
		}
	}
}

// TestTail compares with the end of the whole text, for many sizes.
func TestTail(t *testing.T) {
	whole := strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 100)
	for n := 0; n <= len(whole); n += 7 {
		for _, size := range []int{1, 10, 600, 4096} {
			keep := tailBuffer{max: size}
			keep.readFrom(strings.NewReader(whole[:n]))
			if want := whole[max(n-size, 0):n]; string(keep.bytes()) != want {
				t.Fatalf("%d of %d: %q, want %q", size, n, keep.bytes(), want)
			}
			if cap(keep.buf) > 4*max(size, 512) {
				t.Fatalf("%d of %d: capacity %d", size, n, cap(keep.buf))
			}
		}
	}
}
