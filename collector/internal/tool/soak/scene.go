package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A scene is what the exporter sees of the host: a copy of procfs that links to the
// real files, text files, and a configuration with checks.
type scene struct {
	dir     string
	config  string
	written atomic.Int64 // last number in the text file
	reloads int
	hangs   int
}

const (
	textPeriod = 100 * time.Millisecond // between changes of the text file
	maxTextLag = 100                    // changes by which a response may be late: the deadline of a collector and more
	hangTime   = 300 * time.Millisecond // longer than the timeout of the collector
)

// configurations are the two that reloads switch between. Each disables a collector
// that the other has.
func (s *scene) configurations() [2]string {
	// A check that is late is killed: it must not leave half of a file.
	check := fmt.Sprintf(`  count: {shell: 'n=$(cat %[1]s/count); echo $((n+1)) > %[1]s/count.new && mv %[1]s/count.new %[1]s/count; echo "soak_check_runs $n"', interval: 1s, timeout: 1s, format: prometheus}
  fails: {shell: 'cat %[1]s/absent', interval: 2s, timeout: 1s, format: exit}
  hangs: {shell: 'sleep 60 & cat %[1]s/pipe', interval: 3s, timeout: 1s, format: exit}
`, s.dir)
	return [2]string{
		"collectors: {arp: false}\nchecks:\n" + check,
		"collectors: {sockstat: false}\nchecks:\n" + check + fmt.Sprintf("  other: {shell: 'echo 1; : %s', interval: 1s, timeout: 1s, format: number, metric: soak_other}\n", s.dir),
	}
}

func newScene(dir string) (*scene, error) {
	s := &scene{dir: dir, config: filepath.Join(dir, "host_exporter.yml")}
	for _, name := range []string{"proc", "text"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil && e.Name() != "1" || e.Name() == "loadavg" {
			continue
		}
		target := filepath.Join("/proc", e.Name())
		if link, err := os.Readlink(target); err == nil {
			target = filepath.Join("/proc", link)
			if e.Name() == "self" || e.Name() == "thread-self" || strings.HasPrefix(link, "self") {
				target = filepath.Join("/proc", e.Name())
			}
		}
		if err := os.Symlink(target, filepath.Join(dir, "proc", e.Name())); err != nil {
			return nil, err
		}
	}
	return s, errors.Join(
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600),
		os.WriteFile(filepath.Join(dir, "count"), []byte("1\n"), 0o600),
		s.write("proc/loadavg", loadavg),
		s.writeText(),
		s.write("host_exporter.yml", s.configurations()[0]),
	)
}

const loadavg = "0.25 0.50 0.75 1/100 12345\n"

// write replaces a file, so that no reader sees half of it.
func (s *scene) write(name, text string) error {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// writeText writes the next number to the text file. Each fifth text has a family more.
func (s *scene) writeText() error {
	n := s.written.Load() + 1
	text := fmt.Sprintf("soak_text %d\n", n)
	if n%5 == 0 {
		text += fmt.Sprintf("soak_text_fifth{n=\"%d\"} 1\n", n)
	}
	// Counted before it can be read: a response may then be late, but never early.
	s.written.Store(n)
	return s.write("text/soak.prom", text)
}

// writeTexts changes the text file until stop.
func (s *scene) writeTexts(stop <-chan struct{}) {
	tick := time.NewTicker(textPeriod)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			_ = s.writeText() // the clients notice if it stops
		}
	}
}

// reload switches to the other configuration.
func (s *scene) reload(e *exporter) error {
	s.reloads++
	if err := s.write("host_exporter.yml", s.configurations()[s.reloads%2]); err != nil {
		return err
	}
	return e.cmd.Process.Signal(syscall.SIGHUP)
}

// hang replaces a file by a pipe, which blocks whoever opens it, and after a while
// restores the file and lets the readers of the pipe go.
func (s *scene) hang() error {
	s.hangs++
	path := filepath.Join(s.dir, "proc/loadavg")
	if err := syscall.Mkfifo(path+".pipe", 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".pipe", path); err != nil {
		return err
	}
	time.Sleep(hangTime)
	pipe, err := os.OpenFile(path, os.O_RDWR, 0) // wakes up who waits for a writer
	if err != nil {
		return err
	}
	return errors.Join(s.write("proc/loadavg", loadavg), pipe.Close())
}

// checkRuns returns how often the counting check has run.
func (s *scene) checkRuns() int {
	b, _ := os.ReadFile(filepath.Join(s.dir, "count"))
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n
}
