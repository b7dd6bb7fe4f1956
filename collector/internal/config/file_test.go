package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
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
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
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
		{map[string]string{"main.yml": "include: ."}, ": want a regular file, have drwxr-xr-x"},
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
		if have := findings.Error(); have != strings.Join(want, "\n") {
			t.Errorf("%q\nhave %s\nwant %s", tc.files, have, strings.Join(want, "\n"))
		}
	}
}

func TestWorldWritableFile(t *testing.T) {
	path := filepath.Join(writeFiles(t, map[string]string{"main.yml": ""}), "main.yml")
	if err := os.Chmod(path, 0o646); err != nil {
		t.Fatal(err)
	}
	if _, findings := Load(path, nil, nil); len(findings) != 1 || findings[0].Text != "configuration file is writable by other users: chmod o-w "+path {
		t.Errorf("findings %v", findings)
	}
}
