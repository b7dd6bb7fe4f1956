package main

import (
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// commitTime is the time of the commit in the tests.
const commitTime = 1767225600 // 2026-01-01

// checkout copies the files of this checkout that a release reads into a folder.
func checkout(t *testing.T, folder string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case d.Name() == ".git" || d.Name() == "testdata" || rest == ".build":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(folder, rest), 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, filepath.Join(folder, rest))
		case !d.Type().IsRegular() || rest == "host_exporter" || strings.HasSuffix(rest, "_test.go"):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, rest), data, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func full() bool { return os.Getenv("TEST_PACKAGING") == "full" }

// platforms are those that the tests build: that of this machine, and in the full run
// another one.
func platforms() []string {
	names := []string{nativePlatform().name()}
	if full() {
		names = append(names, "linux/armv7")
	}
	return names
}

// buildRelease builds a draft from a copy of the checkout below folder.
func buildRelease(t *testing.T, folder string) *release {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", fmt.Sprint(commitTime))
	r, err := newRelease(checkout(t, filepath.Join(folder, "src")), filepath.Join(folder, "out"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.keep(platforms()); err != nil {
		t.Fatal(err)
	}
	if err := r.build(); err != nil {
		t.Fatal(err)
	}
	return r
}

var (
	sharedOnce   sync.Once
	shared       *release
	sharedFolder string
)

func TestMain(m *testing.M) {
	var err error
	if sharedFolder, err = os.MkdirTemp("", "host_exporter-packaging-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(sharedFolder)
	os.Exit(code)
}

// built returns a release that all tests share. They do not change its files.
// TEST_PACKAGING_OUT names a folder with one that is built already.
func built(t *testing.T) *release {
	t.Helper()
	if out := os.Getenv("TEST_PACKAGING_OUT"); out != "" {
		version, err := os.ReadFile("../../VERSION")
		if err != nil {
			t.Fatal(err)
		}
		return &release{root: "../..", out: out, version: strings.TrimSpace(string(version))}
	}
	sharedOnce.Do(func() { shared = buildRelease(t, filepath.Join(sharedFolder, "shared")) })
	if shared == nil {
		t.Fatal("the release cannot be built")
	}
	return shared
}

// path returns the path of the only file that matches a pattern.
func (r *release) path(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.out, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: want one file, have %q, %v", pattern, found, err)
	}
	return found[0]
}

// TestReproducible builds a second time from another folder.
func TestReproducible(t *testing.T) {
	if testing.Short() || os.Getenv("TEST_PACKAGING_OUT") != "" {
		t.Skip("builds twice")
	}
	first := built(t)
	second := buildRelease(t, filepath.Join(t.TempDir(), "another", "folder"))
	a, err := os.ReadFile(filepath.Join(first.out, "sha256sums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(second.out, "sha256sums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("two folders, two results:\n%s\n%s", a, b)
	}
	if n := strings.Count(string(a), "\n"); n < 9 {
		t.Errorf("have %d files:\n%s", n, a)
	}
}

func TestPlatform(t *testing.T) {
	for name, want := range map[string]string{
		"linux/amd64": "{amd64 } amd64 linux/amd64", "linux/armv7": "{arm 7} armv7 linux/arm/v7", "linux/arm64": "{arm64 } arm64 linux/arm64/v8",
		"linux": "", "darwin/arm64": "", "linux/arm/v7": "",
	} {
		p, err := parsePlatform(name)
		have := ""
		if err == nil {
			have = fmt.Sprintf("%v %s %s", p, p.short(), p.ociPlatform())
		}
		if have != want {
			t.Errorf("%s: have %q, %v, want %q", name, have, err, want)
		}
	}
}

// TestEveryPlatformHasArchives compares the names of packages' architectures with the
// list of platforms.
func TestEveryPlatformHasArchives(t *testing.T) {
	p, err := readPromu("../../.promu.yml")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, platform := range p.platforms {
		known[platform.short()] = true
	}
	for format, names := range architectures {
		used := map[string]string{}
		for platform, arch := range names {
			if !known[platform] {
				t.Errorf("%s: %s is not in .promu.yml", format, platform)
			}
			if used[arch] != "" {
				t.Errorf("%s: %s is %s and %s", format, arch, used[arch], platform)
			}
			used[arch] = platform
		}
	}
}

func TestPromuDependsOnNoMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "promu.yml")
	text := "build: {ldflags: \"-X v={{.Version}} -X d={{date \\\"20060102\\\"}}\"}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := readPromu(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &release{promu: p, version: "1.2.3", date: time.Unix(commitTime, 0).UTC()}
	if have, err := r.linkerFlags(); have != "-X v=1.2.3 -X d=20260101" || err != nil {
		t.Errorf("have %q, %v", have, err)
	}
	if err := os.WriteFile(file, []byte(`build: {ldflags: "-X u={{user}}@{{host}}"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readPromu(file); err == nil || !strings.Contains(err.Error(), `"user" not defined`) {
		t.Errorf("have %v, want an error on user", err)
	}
}

func TestReadChangelog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "CHANGELOG.md")
	for _, c := range []struct{ text, want string }{
		{"# Changelog\n\n## 1.1.0 / unreleased\n\n* [FEATURE] A.\n* [BUGFIX] B.\n\n## 1.0.0-rc.1 / 2026-02-03\n\n* [CHANGE] C.\n",
			"1.1.0 0001-01-01 [[FEATURE] A. [BUGFIX] B.]; 1.0.0-rc.1 2026-02-03 [[CHANGE] C.]; "},
		{"## 1.1\n", "CHANGELOG.md:1: want \"## VERSION / DATE\" or \"## VERSION / unreleased\", have \"## 1.1\""},
		{"\n## 1.1.0 / 2026-13-01\n", "CHANGELOG.md:2: parsing time"},
		{"## 1.1.0 / unreleased\n* A.\n", "CHANGELOG.md:2: want a kind of change, such as [FEATURE], have \"A.\""},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := readChangelog(file)
		have := ""
		for _, s := range all {
			have += fmt.Sprintf("%s %s %s; ", s.version, s.date.Format(time.DateOnly), s.items)
		}
		if err != nil {
			have = err.Error()
		}
		if !strings.Contains(have, c.want) {
			t.Errorf("%q: have %q, want %q", c.text, have, c.want)
		}
	}
}

// TestRefusals are the conditions under which there is no release.
func TestRefusals(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", fmt.Sprint(commitTime))
	root := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("VERSION", "1.2.3\n")
	write(".promu.yml", "crossbuild: {platforms: [linux/amd64]}\n")
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct{ changelog, want string }{
		{"## 1.2.2 / 2026-01-01\n", "want a first section of version 1.2.3"},
		{"## 1.2.3 / unreleased\n", "want a date for version 1.2.3"},
		{"## 1.2.3 / 2026-01-01\n", ""},
	} {
		write("CHANGELOG.md", c.changelog)
		_, err := newRelease(root, out, false)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: have %v, want %q", c.changelog, err, c.want)
		}
	}
	if _, err := newRelease(root, root, false); err == nil || !strings.Contains(err.Error(), "want an empty folder") {
		t.Errorf("have %v, want an error on a folder with files", err)
	}
}

// TestChart packs the chart of this checkout, with what its links point to.
func TestChart(t *testing.T) {
	r := &release{root: "../..", out: t.TempDir(), version: "1.2.3", date: time.Unix(commitTime, 0).UTC()}
	if err := r.writeChart(); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(filepath.Join(r.out, "host-exporter-1.2.3.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	gz, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := unpack(gz, folder); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Chart.yaml": "\nversion: \"1.2.3\"\nappVersion: \"1.2.3\"\n", "values.yaml": "image:", "templates/daemonset.yaml": "kind: DaemonSet",
		"files/rules.yml": "groups:", "files/dashboards/host.json": `"panels"`,
	} {
		text, err := os.ReadFile(filepath.Join(folder, "host-exporter", name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: want %q, have %d bytes, %v", name, want, len(text), err)
		}
	}
}

func TestWrap(t *testing.T) {
	if have := wrap("aa bb  cc dddddddd e", 5); have != "aa bb\ncc\ndddddddd\ne" {
		t.Errorf("have %q", have)
	}
}

func TestPackagePath(t *testing.T) {
	have := string(packagePath([]byte("/usr/local/bin/host_exporter /usr/local/lib/host_exporter/checks/x /usr/local/bin/host_exporters /usr/local/sbin")))
	if want := "/usr/bin/host_exporter /usr/lib/host_exporter/checks/x /usr/local/bin/host_exporters /usr/local/sbin"; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
}

func TestChartVersion(t *testing.T) {
	r := &release{version: "1.2.3"}
	have, err := r.setChartVersion([]byte("name: x\nversion: 0.0.0\nappVersion: \"0\"\ndependencies:\n  - version: 7\n"))
	if want := "name: x\nversion: \"1.2.3\"\nappVersion: \"1.2.3\"\ndependencies:\n  - version: 7\n"; string(have) != want || err != nil {
		t.Errorf("have %q, %v, want %q", have, err, want)
	}
	if _, err := r.setChartVersion([]byte("version: 1\n")); err == nil {
		t.Error("want an error without appVersion")
	}
}
