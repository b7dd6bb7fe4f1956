package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// fileSpecs returns two collectors that share an option, and one with a list,
// which is off by default.
func fileSpecs() []collect.Spec {
	off := collect.Spec{Name: "off", DisabledByDefault: true, Timeout: 7 * time.Second, Build: collect.With(listOptions{}, func(*collect.Env, listOptions) (collect.Collector, error) { return nil, nil })}
	return []collect.Spec{spec("a"), spec("b"), off}
}

type listOptions struct {
	dirs collect.Strings
	deep collect.Bool
}

func (o *listOptions) Fields() []collect.Field {
	return []collect.Field{{Name: "dir", Value: &o.dirs}, {Name: "deep", Value: &o.deep}}
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		testfile.Write(t, path, text)
	}
	return dir
}

func TestFile(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"main.yml":        "include: [conf.d/*.yml, none/*.yml]\nmax-series: 100\ncollectors:\n  a: {debounce: 3s, timeout: 9s, max-series: 0}\n  off:\n    enabled: true\n    dir: [/x, /y]\n    interval: 1m\n",
		"conf.d/10.yml":   "collectors: {b: false}\nnames: {one: 1}\n",
		"conf.d/20.yml":   "collectors: {off: {deep: true}}\nnames: {two: 2}\n",
		"conf.d/30.other": "nonsense",
	})
	var names []string
	f, findings := Load(filepath.Join(dir, "main.yml"), fileSpecs(), map[string]Section{"names": func(n document.Node) {
		n.Each(func(name string, n document.Node) { names = append(names, name+n.Text()) })
	}})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	specs := fileSpecs()
	s := New()
	for _, flag := range s.Flags(specs) {
		for name, value := range map[string]string{"collector.off.dir": "/z", "collector.a": "false", "collector.interval": "off=2m", "collector.timeout": "b=1s", "collector.max-series": "b=7"} {
			if flag.Name == name {
				if err := flag.Set(value); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	s = s.With(f)
	for _, tc := range []struct{ what, have, want any }{
		{"a is off by flag", s.Enabled(specs[0]), false},
		{"b is off by file", s.Enabled(specs[1]), false},
		{"off is on by file", s.Enabled(specs[2]), true},
		{"a debounce", strings.Join(s.Options("a")["debounce"], ","), "3s"},
		{"b debounce, the same flag", strings.Join(s.Options("b")["debounce"], ","), "3s"},
		{"dir, by flag", strings.Join(s.Options("off")["dir"], ","), "/z"},
		{"deep, by file", strings.Join(s.Options("off")["deep"], ","), "true"},
		{"a timeout, by file", s.Timeout(specs[0]), 9 * time.Second},
		{"b timeout, by flag", s.Timeout(specs[1]), time.Second},
		{"off timeout, its own", s.Timeout(specs[2]), 7 * time.Second},
		{"off interval, by flag", s.Interval(specs[2]), 2 * time.Minute},
		{"a interval, none", s.Interval(specs[0]), time.Duration(0)},
		{"a series, by file", s.MaxSeries(specs[0]), 0},
		{"b series, by flag", s.MaxSeries(specs[1]), 7},
		{"off series, as all in the file", s.MaxSeries(specs[2]), 100},
		{"series, the default", New().MaxSeries(specs[2]), collect.DefaultMaxSeries},
		{"sections", strings.Join(names, " "), "one1 two2"},
		{"files", len(f.Paths), 3},
	} {
		if tc.have != tc.want {
			t.Errorf("%s: have %v, want %v", tc.what, tc.have, tc.want)
		}
	}
}

func TestFileFindings(t *testing.T) {
	for _, tc := range []struct {
		files map[string]string
		want  string // lines without the directory
	}{
		{nil, "main.yml: no such file or directory"},
		{map[string]string{"main.yml": "collectors: {c: true}"}, `main.yml:1:17: unknown collector "c", do you mean a?`},
		{map[string]string{"main.yml": "collectors: {a: perhaps}"}, `main.yml:1:17: want true or false, have "perhaps"`},
		{map[string]string{"main.yml": "collectors: {a: [1]}"}, `main.yml:1:17: want a mapping of keys to values, have a list`},
		{map[string]string{"main.yml": "collectors: {a: {debuonce: 1s, timeout: 0s, interval: fast}}"},
			`main.yml:1:18: unknown key "debuonce", do you mean debounce?
main.yml:1:41: want a time span above zero, have "0s"
main.yml:1:55: want a time span such as 10s, have "fast"`},
		{map[string]string{"main.yml": "max-series: many\ncollectors: {a: {max-series: -1}}"},
			`main.yml:1:13: want a number of series, or 0 for no limit, have "many"
main.yml:2:30: want a number of series, or 0 for no limit, have "-1"`},
		{map[string]string{"main.yml": "include: x/*\nmax-series: 5", "x/1": "max-series: 5"}, "x/1:1:13: max-series is already set in DIR/main.yml:2"},
		{map[string]string{"main.yml": "collectors: {a: {debounce: 1s}, b: {debounce: 2s}}"}, `main.yml:1:47: the option shared.debounce is already set in DIR/main.yml:1`},
		{map[string]string{"main.yml": "include: x/*\ncollectors: {a: true}", "x/1": "collectors: {a: true}", "x/2": "include: y"},
			"x/1:1:17: collector a: enabled is already set in DIR/main.yml:2\nx/2:1:10: an included file cannot include others"},
		{map[string]string{"main.yml": "include: gone.yml"}, "main.yml:1:10: no such file: DIR/gone.yml"},
		{map[string]string{"main.yml": "include: '[' "}, `main.yml:1:10: want a path or a pattern such as conf.d/*.yml, have "["`},
		{map[string]string{"main.yml": "include: x/*\nnames: {one: 1}", "x/1": "names: {one: 1}"}, "x/1:1:14: names one is already set in DIR/main.yml:2"},
		{map[string]string{"main.yml": "include: ."}, ": want a regular file, have mode drwxr-xr-x"},
	} {
		dir := writeFiles(t, tc.files)
		_, findings := Load(filepath.Join(dir, "main.yml"), fileSpecs(), map[string]Section{"names": func(document.Node) {}})
		var want []string
		for line := range strings.Lines(tc.want) {
			line = strings.ReplaceAll(strings.TrimSpace(line), "DIR", dir)
			if !strings.HasPrefix(line, ":") { // about the directory itself
				line = "/" + line
			}
			want = append(want, dir+line)
		}
		if have := findings.Detail(); have != strings.Join(want, "\n") {
			t.Errorf("%q\nhave %s\nwant %s", tc.files, have, strings.Join(want, "\n"))
		}
	}
}

// TestUntrustedFiles has files that users other than root and the exporter's own can
// change, and what is no file. None is read, and none hangs.
func TestUntrustedFiles(t *testing.T) {
	const text = "hunter2: 1\n"
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string // after the directory
		root    bool   // needs root
	}{
		"writable by all":   {func(t *testing.T, dir string) { chmod(t, dir+"/conf.d/a.yml", 0o646) }, "/conf.d/a.yml: writable by other users (mode 0646): chmod go-w DIR/conf.d/a.yml", false},
		"writable by group": {func(t *testing.T, dir string) { chmod(t, dir+"/conf.d/a.yml", 0o664) }, "/conf.d/a.yml: writable by other users (mode 0664): chmod go-w DIR/conf.d/a.yml", false},
		"folder writable":   {func(t *testing.T, dir string) { chmod(t, dir+"/conf.d", 0o777) }, "/conf.d/a.yml: DIR/conf.d: writable by other users (mode 0777): chmod go-w DIR/conf.d", false},
		"parent writable":   {func(t *testing.T, dir string) { chmod(t, dir, 0o777) }, "/main.yml: DIR: writable by other users (mode 0777): chmod go-w DIR", false},
		"other owner": {func(t *testing.T, dir string) { chown(t, dir+"/conf.d/a.yml") },
			"/conf.d/a.yml: want root or user 0 as the owner, have user 4711", true},
		"folder of another owner": {func(t *testing.T, dir string) { chown(t, dir+"/conf.d") },
			"/conf.d/a.yml: DIR/conf.d: want root or user 0 as the owner, have user 4711", true},
		"link to an untrusted folder": {func(t *testing.T, dir string) {
			mkdir(t, dir+"/other", 0o777)
			write(t, dir+"/other/a.yml", text)
			chmod(t, dir+"/other", 0o777)
			replace(t, "../other/a.yml", dir+"/conf.d/a.yml")
		}, "/conf.d/a.yml: DIR/other: writable by other users (mode 0777): chmod go-w DIR/other", false},
		"pipe": {func(t *testing.T, dir string) {
			replaceBy(t, dir+"/conf.d/a.yml", func(path string) error { return unix.Mkfifo(path, 0o600) })
		}, "/conf.d/a.yml: want a regular file, have mode prw-------", false},
		"link to a pipe": {func(t *testing.T, dir string) {
			replaceBy(t, dir+"/pipe", func(path string) error { return unix.Mkfifo(path, 0o600) })
			replace(t, "../pipe", dir+"/conf.d/a.yml")
		}, "/conf.d/a.yml: DIR/pipe: want a regular file, have mode prw-------", false},
		"pipe as the configuration": {func(t *testing.T, dir string) {
			replaceBy(t, dir+"/main.yml", func(path string) error { return unix.Mkfifo(path, 0o600) })
		}, "/main.yml: want a regular file, have mode prw-------", false},
		"link to a device": {func(t *testing.T, dir string) { replace(t, "/dev/zero", dir+"/conf.d/a.yml") }, "/conf.d/a.yml: /dev/zero: ", false},
		"trusted":          {func(*testing.T, string) {}, "/conf.d/a.yml:1:1: unknown key …", false},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			dir := t.TempDir()
			mkdir(t, dir+"/conf.d", 0o755)
			write(t, dir+"/main.yml", "include: conf.d/*.yml\n")
			write(t, dir+"/conf.d/a.yml", text)
			c.prepare(t, dir)
			loaded := make(chan document.Findings, 1)
			go func() {
				_, findings := Load(dir+"/main.yml", nil, nil)
				loaded <- findings
			}()
			select {
			case findings := <-loaded:
				want := dir + strings.ReplaceAll(c.want, "DIR", dir)
				if have := findings.Error(); !strings.HasPrefix(have, want) || strings.Contains(have, "hunter2") {
					t.Errorf("have %s\nwant %s", have, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("still reading after 10s")
			}
		})
	}
}

// TestConfigMap has the links with which Kubernetes updates a folder at once.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	mkdir(t, dir+"/..2026_01_02", 0o755)
	write(t, dir+"/..2026_01_02/main.yml", "disable-defaults: true\n")
	replace(t, "..2026_01_02", dir+"/..data")
	replace(t, "..data/main.yml", dir+"/main.yml")
	if f, findings := Load(dir+"/main.yml", nil, nil); len(findings) > 0 || !f.DisableDefaults {
		t.Errorf("%+v, %v", f, findings)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(path, mode); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string) {
	t.Helper()
	if err := os.Lchown(path, 4711, 4711); err != nil {
		t.Fatal(err)
	}
}

// replace makes a symbolic link in place of a file.
func replace(t *testing.T, target, path string) {
	t.Helper()
	replaceBy(t, path, func(path string) error { return os.Symlink(target, path) })
}

func replaceBy(t *testing.T, path string, create func(path string) error) {
	t.Helper()
	_ = os.Remove(path)
	if err := create(path); err != nil {
		t.Fatal(err)
	}
}
