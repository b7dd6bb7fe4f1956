package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

// TestMain lets the test binary supervise the commands of checks, and serve for
// a runner, as the program does. The sandbox is off: it would be for all tests,
// and for good.
func TestMain(m *testing.M) {
	checks.Supervise()
	if exporter.StartedByRunner() || filepath.Base(os.Args[0]) == "host_exporter" {
		main()
		os.Exit(0)
	}
	if err := os.Setenv("HOST_EXPORTER_SANDBOX", "off"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A tutorial is a page whose blocks are run in their order, in a folder that
// stands for the root of the host.
type tutorial struct {
	t    *testing.T
	root string
}

// rooted are the folders of the page that are below the root of the test.
var rooted = regexp.MustCompile(`/(usr/local|var/lib/host_exporter|etc/host_exporter|etc/prometheus|tmp/tree)/?\b`)

// allowed are the remarks on what the test adds to the page, and on its environment.
var allowed = regexp.MustCompile(`(?m)^(.*\(allow-unsafe-path\)"|note: HOST_EXPORTER_SANDBOX .*)\n`)

// TestTutorial does what docs/writing-a-check.md has its reader do: it writes
// each script and configuration where the page has it, runs each command, and
// compares what it prints.
func TestTutorial(t *testing.T) {
	for _, program := range []string{"sh", "cat", "/bin/sleep", "/bin/grep", "/usr/bin/awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	const page = "docs/writing-a-check.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	p := tutorial{t, t.TempDir()}
	blocks := regexp.MustCompile("(?ms)^```(\\w+)(?: (/\\S+))?\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if fences := strings.Count(string(text), "\n```"); len(blocks)*2 != fences {
		t.Fatalf("%s: %d blocks, which leaves some out: there are %d", page, len(blocks), fences/2)
	}
	for _, b := range blocks {
		switch kind, path, content := b[1], b[2], b[3]; {
		case kind == "console":
			p.console(content)
		case kind == "text":
			p.namesFamilies(content)
		case path == "":
			t.Errorf("%s: a block of %s that is no file:\n%s", page, kind, content)
		default:
			p.write(path, content)
		}
	}
}

// here has the paths of the page be below the root of the test.
func (p tutorial) here(text string) string {
	return rooted.ReplaceAllStringFunc(text, func(path string) string { return p.root + path })
}

// write puts a block into its file. Checks are allowed to run programs of a
// folder that a test can write to.
func (p tutorial) write(path, content string) {
	content = p.here(content)
	switch {
	case strings.HasPrefix(content, "groups:"):
		p.rules(content)
	case strings.HasPrefix(content, "checks:"):
		content = strings.ReplaceAll(content, "\n    command:", "\n    allow-unsafe-path: true\n    command:")
	}
	path = p.here(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// console runs the commands of a block, which are the lines after a dollar
// sign, and compares what they print.
func (p tutorial) console(content string) {
	for command := range strings.SplitSeq(strings.TrimPrefix(content, "$ "), "\n$ ") {
		line, want, _ := strings.Cut(strings.TrimSuffix(command, "\n"), "\n")
		have := p.run(p.here(line))
		have = strings.TrimSuffix(strings.ReplaceAll(have, p.root, ""), "\n")
		if !printed(want).MatchString(have) {
			p.t.Errorf("$ %s\nhave\n%s\nwant\n%s", line, have, want)
		}
	}
}

// printed returns the pattern of an expected output. Times and sizes are what
// they are, and three dots stand for anything.
func printed(want string) *regexp.Regexp {
	took := regexp.MustCompile(`# took \S+, \S+ of CPU`).ReplaceAllString(want, "# took TIMES")
	pattern := regexp.QuoteMeta(took)
	pattern = strings.ReplaceAll(pattern, "# took TIMES", `# took \S+, \S+ of CPU(?:, at most \d+ MiB of memory)?`)
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `.*`)
	return regexp.MustCompile(`(?s)^` + pattern + `$`)
}

// run runs a command: the program itself, or one of the shell.
func (p tutorial) run(line string) string {
	var out, remarks bytes.Buffer
	if args, ours := strings.CutPrefix(line, "host_exporter "); ours {
		if err := run(p.t.Context(), append([]string{"--checks.user="}, strings.Fields(args)...), &out, &remarks); err != nil {
			fmt.Fprintln(&remarks, "host_exporter:", err)
		}
		return out.String() + allowed.ReplaceAllString(remarks.String(), "")
	}
	all, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil {
		p.t.Errorf("$ %s\n%v\n%s", line, err, all)
	}
	return string(all)
}

// rules reads a file of alerting rules, and holds their families to those
// that there are.
func (p tutorial) rules(content string) {
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Annotations      map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions([]byte(content), &file, yaml.Strict()); err != nil {
		p.t.Fatal(err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			p.namesFamilies(rule.Expr)
		}
	}
}

// namesFamilies holds the families that a text names to those of the
// reference, and of the check that the page makes.
func (p tutorial) namesFamilies(text string) {
	reference, err := os.ReadFile("docs/metrics/checks.md")
	if err != nil {
		p.t.Fatal(err)
	}
	names := regexp.MustCompile(`\b(?:host|hba)_\w+`).FindAllString(text, -1)
	if len(names) == 0 {
		p.t.Errorf("no families:\n%s", text)
	}
	for _, name := range names {
		if name != "hba_port_online" && !bytes.Contains(reference, []byte("| `"+name+"` |")) {
			p.t.Errorf("there is no %s", name)
		}
	}
}
