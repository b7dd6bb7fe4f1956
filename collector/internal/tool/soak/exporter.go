package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An exporter is a running binary.
type exporter struct {
	cmd     *exec.Cmd
	address string
	log     string
	exited  chan error
}

func startExporter(binary string, s *scene) (*exporter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &exporter{address: l.Addr().String(), log: filepath.Join(s.dir, "log"), exited: make(chan error, 1)}
	if err := l.Close(); err != nil {
		return nil, err
	}
	log, err := os.Create(e.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	e.cmd = exec.Command(binary,
		"--web.listen-address="+e.address,
		"--config.file="+s.config,
		"--path.procfs="+filepath.Join(s.dir, "proc"),
		"--collector.textfile.directory="+filepath.Join(s.dir, "text"),
		"--collector.timeout=loadavg=100ms",
		"--checks.user="+strconv.Itoa(os.Getuid()), // they write files of the scene
		"--log.level=warn",
	)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is for the tool only
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { e.exited <- e.cmd.Wait() }()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", e.address); err == nil {
			return e, conn.Close()
		}
		select {
		case err := <-e.exited:
			text, _ := os.ReadFile(e.log)
			return nil, fmt.Errorf("the exporter ended: %w\n%s", err, text)
		default:
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(errors.New("the exporter does not listen"), e.cmd.Process.Kill())
		}
	}
}

// stop ends the exporter, which must succeed within seconds. It must have logged no error but
// those of the collector whose file hangs, and of checks.
func (e *exporter) stop() error {
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	var err error
	select {
	case err = <-e.exited:
	case <-time.After(30 * time.Second):
		err = errors.Join(errors.New("the exporter does not end"), e.cmd.Process.Kill(), <-e.exited)
	}
	text, readErr := os.ReadFile(e.log)
	for line := range strings.Lines(string(text)) {
		expected := strings.Contains(line, " collector=loadavg ") || strings.Contains(line, " check=")
		if strings.Contains(line, "level=error") && !expected || strings.Contains(line, "panic") || strings.Contains(line, "fatal") {
			err = errors.Join(err, fmt.Errorf("log: %s", strings.TrimSpace(line)))
			break
		}
	}
	return errors.Join(err, readErr)
}

// status returns a number from /proc/PID/status.
func (e *exporter) status(key string) (float64, error) {
	path := fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			return strconv.ParseFloat(strings.Fields(value)[0], 64)
		}
	}
	return 0, fmt.Errorf("%s: want %s", path, key)
}

func (e *exporter) descriptors() (float64, error) {
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", e.cmd.Process.Pid))
	return float64(len(names)), err
}

// processesOf returns the command lines that name a folder, but for this process.
func processesOf(dir string) (lines []string, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(b, []byte(dir)) || f == fmt.Sprintf("/proc/%d/cmdline", os.Getpid()) {
			continue
		}
		lines = append(lines, string(bytes.ReplaceAll(bytes.TrimRight(b, "\x00"), []byte{0}, []byte{' '})))
	}
	return lines, err
}
