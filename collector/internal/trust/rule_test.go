package trust

import (
	"errors"
	"io/fs"
	"testing"
)

// A fakeFile is one file of a fake host.
type fakeFile struct {
	mode   fs.FileMode
	owner  uint32
	target string // of a symbolic link
}

// fakeRule returns the rule of an exporter that runs as user 998.
func fakeRule() Rule {
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
		"/tmp/own":           {mode: fs.ModeDir | 0o700, owner: 998},
		"/tmp/own/script":    {mode: 0o755},
		"/tmp/other":         {mode: dir, owner: 1000},
		"/tmp/other/script":  {mode: 0o755},
		"/tmp/link":          {mode: link, target: "/srv", owner: 1000},
		"/sticky":            {mode: fs.ModeDir | fs.ModeSticky | 0o777, owner: 1000},
		"/sticky/own":        {mode: dir},
		"/sticky/own/script": {mode: 0o755},
		"/volume":            {mode: fs.ModeDir | 0o777},
		"/volume/script":     {mode: link, target: "..data/script"},
		"/volume/..data":     {mode: link, target: "..1"},
		"/volume/..1":        {mode: dir},
		"/volume/..1/script": {mode: 0o755},
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
	return Rule{
		uid:      998,
		lstat:    func(path string) (fs.FileMode, uint32, error) { f, err := find(path); return f.mode, f.owner, err },
		isVolume: func(path string) bool { return path == "/volume" },
		readlink: func(path string) (string, error) { f, err := find(path); return f.target, err },
	}
}

func TestRule(t *testing.T) {
	for _, c := range []struct{ path, safe, unsafe string }{
		{"/bin/sh", "", ""},
		{"//usr//bin/./dash", "", ""},
		{"/usr/bin/sudo", "", ""},
		{"/usr/bin/up", "", ""},
		{"/srv/own", "", ""},
		{"/srv/../srv/own", "", ""},
		{"/srv/other", "/srv/other: want root or user 998 as the owner, have user 1000", ""},
		{"/srv/group", "/srv/group: writable by other users (mode 0775): chmod go-w /srv/group", ""},
		{"/srv/world", "/srv/world: writable by other users (mode 0757): chmod go-w /srv/world", ""},
		{"/tmp/evil", "/tmp: writable by other users (mode 1777): chmod go-w /tmp", ""},
		{"/usr/bin/lure", "/tmp: writable by other users (mode 1777): chmod go-w /tmp", ""},
		{"/tmp", "/tmp: writable by other users (mode 1777): chmod go-w /tmp", "/tmp: want a file, have a directory"},
		{"/tmp/own/script", "", ""},
		{"/tmp/other/script", "/tmp/other: want root or user 998 as the owner, have user 1000", ""},
		{"/tmp/link/own", "/tmp: writable by other users (mode 1777): chmod go-w /tmp", ""},
		{"/sticky/own/script", "/sticky: want root or user 998 as the owner, have user 1000", ""},
		{"/volume/script", "", ""},
		{"/srv/theirs/script", "/srv/theirs: want root or user 998 as the owner, have user 1000", ""},
		{"/srv/shared/script", "/srv/shared: writable by other users (mode 2775): chmod go-w /srv/shared", ""},
		{"/srv/shared/link", "/srv/shared: writable by other users (mode 2775): chmod go-w /srv/shared", ""},
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
			if err := fakeRule().CheckProgram(c.path, unsafe); err != nil {
				have = err.Error()
			}
			if have != want {
				t.Errorf("%s, unsafe %t:\nhave %q\nwant %q", c.path, unsafe, have, want)
			}
		}
	}
	if err := fakeRule().CheckProgram("/usr/bin/none", false); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestVolumeMount has lines of /proc/self/mountinfo in a pod, and on a host whose unit
// makes all file systems read-only.
func TestVolumeMount(t *testing.T) {
	for _, c := range []struct {
		line, point string
		pod, is     bool
	}{
		{"1513 1498 259:1 /var/lib/kubelet/pods/11f/volumes/kubernetes.io~configmap/config /etc/host_exporter ro,relatime - ext4 /dev/root rw", "/etc/host_exporter", true, true},
		{"1513 1498 259:1 /var/lib/kubelet/pods/11f/volumes/kubernetes.io~configmap/config /etc/host\\040exporter rw,relatime - ext4 /dev/root rw", "/etc/host exporter", true, false},
		{"1514 1498 0:92 / /etc/secret ro,relatime - tmpfs tmpfs rw,size=64k", "/etc/secret", true, true},
		{"1514 1498 0:92 / /etc/secret ro,relatime - tmpfs tmpfs rw,size=64k", "/etc/secret", false, false},
		{"612 590 259:1 /srv/conf.d /etc/host_exporter/conf.d ro,nosuid shared:7 - ext4 /dev/root rw", "/etc/host_exporter/conf.d", true, false},
		{"", "", true, false},
	} {
		if point, is := volumeMount(c.line, c.pod); point != c.point || is != c.is {
			t.Errorf("%s: %q, %t", c.line, point, is)
		}
	}
}
