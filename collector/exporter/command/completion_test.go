package command

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completed returns the candidates for the last of some words.
func completed(t *testing.T, shell string, words ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), append([]string{completeCommand, shell}, words...), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	return strings.Fields(out.String())
}

func TestComplete(t *testing.T) {
	file := filepath.Join(t.TempDir(), "host_exporter.yml")
	if err := os.WriteFile(file, []byte("checks: {backup: {command: [/bin/true]}, raid: {command: [/bin/true]}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		words []string
		want  []string // some of the candidates
		not   string
	}{
		{[]string{""}, []string{"serve", "once", "checks", "help", "completion"}, "hba"},
		{[]string{"onc"}, []string{"once"}, "serve"},
		{[]string{"once", "load"}, []string{"loadavg"}, "once"},
		{[]string{"once", "loadavg", "una"}, []string{"uname"}, ""},
		{[]string{"once", "--format=t"}, []string{"--format=text", "--format=table"}, "--format=json"},
		{[]string{"once", "--format", ""}, []string{"text", "table", "json"}, "loadavg"},
		{[]string{"once", "--for"}, []string{"--format="}, ""},
		{[]string{"--for"}, nil, "--format="},
		{[]string{"--log.le"}, []string{"--log.level="}, ""},
		{[]string{"--log.level", "debug", "onc"}, []string{"once"}, "debug"},
		{[]string{"--no-collector.arp"}, []string{"--no-collector.arp"}, "--collector.arp"},
		{[]string{"doctor", "load"}, []string{"loadavg"}, "node_load1"},
		{[]string{"doctor", "node_load"}, []string{"node_load1"}, "loadavg"},
		{[]string{"checks", ""}, []string{"list", "run", "status", "import"}, "serve"},
		{[]string{"--config.file=" + file, "checks", "run", ""}, []string{"backup", "raid"}, "list"},
		{[]string{"--config.file", file, "checks", "status", "b"}, []string{"backup"}, "raid"},
		{[]string{"help", ""}, []string{"flags", "collectors", "collector", "once"}, "loadavg"},
		{[]string{"help", "collector", "load"}, []string{"loadavg"}, ""},
		{[]string{"help", "checks", "r"}, []string{"run"}, "raid"},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish"}, ""},
		{[]string{"check-config", ""}, nil, "serve"},
		{nil, []string{"serve"}, ""},
	} {
		have := completed(t, "zsh", tc.words...)
		for _, want := range tc.want {
			if !slices.Contains(have, want) {
				t.Errorf("%q: want %s in %q", tc.words, want, have)
			}
		}
		if tc.want == nil && len(have) > 0 || tc.not != "" && slices.Contains(have, tc.not) {
			t.Errorf("%q: have %q", tc.words, have)
		}
	}
}

// TestBash has bash itself complete words.
func TestBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "host_exporter")
	if err := os.Symlink(self, program); err != nil { // see TestMain
		t.Fatal(err)
	}
	for _, tc := range []struct{ words, want string }{
		{`onc`, "once"},
		{`--log.level = de`, "debug"}, // bash splits words at equal signs
		{`--web.listen-address = : 9100 onc`, "once"},
		{`once --format = j`, "json"},
		{`help collector loada`, "loadavg"},
		{`doctor node_load15`, "node_load15"},
	} {
		script := completionScripts()["bash"] + `
COMP_WORDS=("$0" ` + tc.words + `); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_host_exporter
printf '%s\n' "${COMPREPLY[@]}"`
		out, err := exec.Command(bash, "--norc", "-c", script, program).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != tc.want {
			t.Errorf("%s: have %q, %v, want %s", tc.words, out, err, tc.want)
		}
	}
}

// TestCompletionScripts has the shells that are installed parse their scripts.
func TestCompletionScripts(t *testing.T) {
	for shell, script := range completionScripts() {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"completion", shell}, &out, io.Discard); err != nil || out.String() != script {
			t.Errorf("%s: %v", shell, err)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		cmd := exec.Command(path, "-n")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}
