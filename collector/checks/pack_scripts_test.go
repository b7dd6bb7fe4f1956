package checks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// scriptTool returns the tool that a script runs, which tests replace.
func scriptTool(script string) string {
	return map[string]string{"apt-updates": "apt-get", "dnf-updates": "dnf"}[script]
}

// TestPackScripts runs the scripts with recorded outputs of their tools, and compares
// what they print with the recorded output of the check.
func TestPackScripts(t *testing.T) {
	needPrograms(t, "sh", "awk", "cat")
	cases, err := filepath.Glob(packRecorded + "/scripts/*/*.tool")
	if err != nil || len(cases) < 6 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	for _, path := range cases {
		script, name := filepath.Base(filepath.Dir(path)), strings.TrimSuffix(filepath.Base(path), ".tool")
		t.Run(script+"/"+name, func(t *testing.T) {
			bin, exit := t.TempDir(), 0
			text := readFile(t, path)
			if line, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(line, "# exit") {
				_, _ = fmt.Sscanf(line, "# exit %d", &exit) // 0 if there is no number
				text = rest
			}
			writeFile(t, filepath.Join(bin, "printed"), text, 0o644)
			writeFile(t, filepath.Join(bin, scriptTool(script)), fmt.Sprintf("#!/bin/sh\ncat %s/printed\nexit %d\n", bin, exit), 0o755)
			want := readRecorded(t, filepath.Join(packRecorded, script, name+".out"))
			have := runScript(t, bin, script)
			if sortLines(have.stdout) != sortLines(want.stdout) || have.exit != want.exit {
				t.Errorf("have %d\n%swant %d\n%s", have.exit, have.stdout, want.exit, want.stdout)
			}
		})
	}
}

// TestCertificateScript reads a certificate, and a file that is none.
func TestCertificateScript(t *testing.T) {
	needPrograms(t, "sh", "openssl", "date")
	if err := exec.Command("date", "-d", "Jan  1 00:00:00 2030 GMT", "+%s").Run(); err != nil {
		t.Skip("needs GNU date")
	}
	end := time.Unix(1924940257, 0)
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.pem"), filepath.Join(dir, "bad.pem")
	writeFile(t, good, certificate(t, end), 0o644)
	writeFile(t, bad, "nothing\n", 0o644)
	have := runScript(t, "", "certificate-expiry", bad, good)
	want := fmt.Sprintf("readable{path=%q} 0\nreadable{path=%q} 1\nnot_after{path=%q} 1924940257\n", bad, good, good)
	if have.stdout != want || have.exit != 0 {
		t.Errorf("have %d\n%swant\n%s", have.exit, have.stdout, want)
	}
}

// certificate returns a self-signed certificate that expires at end.
func certificate(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.AddDate(-1, 0, 0), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// runScript runs a script of the pack, with bin as the first directory of PATH.
func runScript(t *testing.T, bin, script string, args ...string) recordedRun {
	t.Helper()
	cmd := exec.Command("sh", append([]string{filepath.Join(packDir, "scripts", script)}, args...)...)
	cmd.Env = []string{"LANG=C.UTF-8", "PATH=" + bin + ":" + os.Getenv("PATH")}
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return recordedRun{stdout.String(), cmd.ProcessState.ExitCode()}
}

// sortLines sorts the lines of a text: awk prints them in no order.
func sortLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

// TestShellcheckOnThisHost checks the scripts with shellcheck, where it is installed.
func TestShellcheckOnThisHost(t *testing.T) {
	needPrograms(t, "shellcheck")
	scripts, err := filepath.Glob(packDir + "/scripts/*")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	if out, err := exec.Command("shellcheck", append([]string{"--shell=sh"}, scripts...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
