package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/compare"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// An exporter is a running exporter with a configuration file, which the test
// rewrites.
type exporter struct {
	t       *testing.T
	process *os.Process
	url     string
	file    string
	marker  string // in the environment of all processes that its checks start
}

// newExporter starts an exporter, in parallel with other tests.
func newExporter(t *testing.T, text string) *exporter {
	t.Helper()
	requireE2E(t)
	t.Parallel()
	address := freeAddress(t)
	e := &exporter{t: t, url: "http://" + address, file: filepath.Join(t.TempDir(), "host_exporter.yml")}
	e.marker = fmt.Sprintf("E2E_MARKER=%s-%d", t.Name(), os.Getpid())
	e.write(text)
	// The tests run as a user that has no user for checks.
	e.process = run(t, build(t), "--config.file="+e.file, "--web.listen-address="+address, "--web.enable-lifecycle", "--checks.user=").Process
	get(t, e.url+"/metrics")
	return e
}

// write replaces the configuration file in one step, or a reload could read half
// of it.
func (e *exporter) write(text string) {
	e.t.Helper()
	testfile.Write(e.t, e.file+".new", text)
	if err := os.Rename(e.file+".new", e.file); err != nil {
		e.t.Fatal(err)
	}
}

// reload writes the file, and returns when it is in effect.
func (e *exporter) reload(text string) {
	e.t.Helper()
	e.write(text)
	if err := e.post(); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exporter) post() error {
	resp, err := http.Post(e.url+"/-/reload", "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return err
}

// scrape returns the samples of a scrape, and its duration.
func (e *exporter) scrape() (samples, time.Duration) {
	e.t.Helper()
	began := time.Now()
	text := get(e.t, e.url+"/metrics")
	took := time.Since(began)
	all, err := compare.Parse(strings.NewReader(text))
	if err != nil {
		e.t.Fatal(err)
	}
	return samples{all}, took
}

// until scrapes until ok.
func (e *exporter) until(limit time.Duration, what string, ok func(samples) bool) samples {
	e.t.Helper()
	var last samples
	if !eventually(limit, func() bool { last, _ = e.scrape(); return ok(last) }) {
		e.t.Fatalf("never: %s", what)
	}
	return last
}

// samples are the result of one scrape.
type samples struct{ compare.Exposition }

// get returns the value of the first sample of a family with these labels, given
// as names and values in turn.
func (s samples) get(family string, labels ...string) (float64, bool) {
	for _, m := range s.Exposition[family].GetMetric() {
		matches := true
		for i := 0; i < len(labels); i += 2 {
			has := false
			for _, l := range m.GetLabel() {
				has = has || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
			}
			matches = matches && has
		}
		if matches {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue(), true
		}
	}
	return 0, false
}

// sum returns the sum of the samples of a family.
func (s samples) sum(family string) float64 {
	var sum float64
	for _, m := range s.Exposition[family].GetMetric() {
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return sum
}

// left returns the processes that the exporter has started for checks: its descendants,
// and all processes with its marker, whatever their parent is.
func (e *exporter) left() []string {
	e.t.Helper()
	return slices.DeleteFunc(e.processes(), func(p string) bool { return strings.Contains(p, " "+serveName+" ") })
}

// serveName is the name of the process that serves for a runner.
const serveName = "host_exporter-serve"

// serving returns the process that serves, or 0 if there is not exactly one.
func (e *exporter) serving() (pid int) {
	e.t.Helper()
	for _, p := range e.processes() {
		if number, name, _ := strings.Cut(p, " "); strings.HasPrefix(name, serveName+" ") {
			if pid != 0 {
				return 0
			}
			pid, _ = strconv.Atoi(number)
		}
	}
	return pid
}

// processes returns the number and the command line of all processes that the exporter
// has started.
func (e *exporter) processes() []string {
	e.t.Helper()
	parents, marked := map[int]int{}, map[int]bool{}
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		e.t.Fatal(err)
	}
	for _, dir := range folders {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue // it has ended
		}
		// The name, in parentheses, may have spaces and parentheses of its own.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
		environ, _ := os.ReadFile(dir + "/environ")
		marked[pid] = slices.Contains(strings.Split(string(environ), "\x00"), e.marker)
	}
	var found []string
	for pid := range parents {
		descends := false
		for p := parents[pid]; p > 1 && !descends; p = parents[p] {
			descends = p == e.process.Pid
		}
		if descends || marked[pid] {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			found = append(found, fmt.Sprintf("%d %s", pid, strings.ReplaceAll(string(line), "\x00", " ")))
		}
	}
	return found
}

// has reports whether a process of the exporter has a text in its command line.
func (e *exporter) has(text string) bool {
	return slices.ContainsFunc(e.left(), func(p string) bool { return strings.Contains(p, text) })
}

func (e *exporter) hangup() {
	e.t.Helper()
	if err := e.process.Signal(syscall.SIGHUP); err != nil {
		e.t.Fatal(err)
	}
}

// exitCode runs a program to its end.
func exitCode(t *testing.T, stdin string, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return code, out.String(), errs.String()
}
