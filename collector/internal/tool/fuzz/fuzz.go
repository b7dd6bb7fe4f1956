package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

type options struct {
	time       time.Duration // of each test in a round
	workers    int           // of a test
	parallel   int           // tests at once
	executions uint64        // minimum of all tests, or 0 for one round
	match      *regexp.Regexp
	crashes    bool // not fail for new inputs by what tests compare
}

// A suite is a package with fuzz tests.
type suite struct {
	dir     string
	path    string   // import path
	name    string   // import path within the module
	counted []string // import paths of the code under test, in this module
	binary  string
	tests   []string
}

// run runs all tests that match in rounds, and returns an error with the names of
// those that failed.
func run(o options, w io.Writer) error {
	suites, err := find(o.match)
	if err != nil {
		return err
	}
	if len(suites) == 0 {
		return errors.New("no such test")
	}
	tmp, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	cache, err := command("", "go", "env", "GOCACHE")
	if err != nil {
		return err
	}
	for i := range suites {
		suites[i].binary = filepath.Join(tmp, strconv.Itoa(i)+".test")
		if _, err := command("", "go", append(suites[i].build(), "-o", suites[i].binary, suites[i].path)...); err != nil {
			return err
		}
	}
	var total uint64
	var failed []error
	for {
		passed := 0
		for _, r := range round(suites, o, strings.TrimSpace(string(cache)), w) {
			total += r.executions
			switch {
			case r.err == nil:
			case o.crashes && isDifference([]byte(r.err.Error())):
				fmt.Fprintf(w, "found, and not failed: %v\n", r.err)
			default:
				failed = append(failed, r.err)
				continue
			}
			passed++
		}
		fmt.Fprintf(w, "%d tests passed, %d failed, %d executions\n", passed, len(failed), total)
		if total >= o.executions || len(failed) > 0 {
			return errors.Join(failed...)
		}
	}
}

// A result is that of one test.
type result struct {
	executions uint64
	err        error
}

// round runs each test once, several at a time, and returns their results in order.
func round(suites []suite, o options, cache string, w io.Writer) (results []*result) {
	var tests sync.WaitGroup
	var printing sync.Mutex
	slots := make(chan struct{}, max(1, o.parallel))
	for _, s := range suites {
		for _, name := range s.tests {
			r := &result{}
			results = append(results, r)
			slots <- struct{}{}
			tests.Go(func() {
				r.executions, r.err = s.fuzz(name, o, cache)
				printing.Lock()
				fmt.Fprintf(w, "%12d  %s.%s\n", r.executions, s.name, name)
				printing.Unlock()
				<-slots
			})
		}
	}
	tests.Wait()
	return results
}

// build returns the command that builds the tests with the counters by which the fuzzer
// sees that an input reaches new code. "go test -fuzz" adds them, by this flag of the
// compiler, to all packages of the binary, and the fuzzer clears and compares them at
// each execution, which takes nine tenths of the time. Only code under test has them here.
func (s *suite) build() []string {
	args := []string{"test", "-c"}
	for _, path := range s.counted {
		args = append(args, "-gcflags="+path+"=-d=libfuzzer")
	}
	return args
}

// fuzz runs one test and returns the number of executions.
func (s *suite) fuzz(test string, o options, cache string) (uint64, error) {
	// By default the fuzzer takes up to a minute to minimize each input that reaches new
	// code, which is all of a short run.
	out, err := command(s.dir, s.binary, "-test.run=^$", "-test.fuzz=^"+test+"$", "-test.fuzztime="+o.time.String(), "-test.fuzzminimizetime=100x",
		"-test.parallel="+strconv.Itoa(o.workers), "-test.fuzzcachedir="+filepath.Join(cache, "fuzz", s.path))
	n := executions(out)
	if err != nil && !isLate(out) {
		return n, fmt.Errorf("%s.%s: %w", s.name, test, err)
	}
	return n, nil
}

// isLate reports whether a test failed only because an execution was in progress at its
// end, which is no failure of the input: the fuzzer has written none.
func isLate(out []byte) bool {
	return bytes.Contains(out, []byte("\n    context deadline exceeded\nFAIL\n")) && !bytes.Contains(out, []byte("Failing input written"))
}

// isDifference reports whether a test failed for a new input by what it compares, rather
// than by a panic, a hang or an exit. A seed that fails is none.
func isDifference(out []byte) bool {
	return bytes.Contains(out, []byte("Failing input written")) && !crash.Match(out)
}

var crash = regexp.MustCompile(`(?m)^\s*(testing\.go:\d+: )?panic: |fuzzing process hung or terminated unexpectedly`)

// executions returns the last number of executions in the output of a fuzz test.
func executions(out []byte) uint64 {
	all := regexp.MustCompile(`execs: (\d+) `).FindAllSubmatch(out, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.ParseUint(string(all[len(all)-1][1]), 10, 64)
	return n
}

// find returns the fuzz tests of the module that match.
func find(match *regexp.Regexp) (suites []suite, err error) {
	out, err := command("", "go", "list", "-json=Dir,ImportPath,Module,Deps,TestGoFiles,XTestGoFiles", "./...")
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir, ImportPath           string
			Module                    struct{ Path string }
			Deps                      []string
			TestGoFiles, XTestGoFiles []string
		}
		if err := d.Decode(&p); err == io.EOF {
			return suites, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		s := suite{dir: p.Dir, path: p.ImportPath, name: strings.TrimPrefix(p.ImportPath, p.Module.Path+"/"), counted: []string{p.ImportPath}}
		for _, path := range p.Deps {
			if strings.HasPrefix(path, p.Module.Path+"/") {
				s.counted = append(s.counted, path)
			}
		}
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				return nil, err
			}
			for _, test := range tests(text) {
				if match.MatchString(s.name + "." + test) {
					s.tests = append(s.tests, test)
				}
			}
		}
		if len(s.tests) > 0 {
			suites = append(suites, s)
		}
	}
}

// tests returns the names of the fuzz tests in a Go file.
func tests(text []byte) (names []string) {
	for _, m := range regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`).FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// command runs a program in a folder and returns its output; an error has that of a
// program that fails.
func command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, out)
	}
	return out, err
}
