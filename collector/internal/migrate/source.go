package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// A Source is the place where the arguments of a node_exporter were found.
type Source struct {
	Program  string // path of the program, where the place names it
	Variable string // that holds the arguments, where one does
	Args     []string
	Notes    []string
}

// variables are those that packages keep the arguments in: Debian's package,
// prometheus-rpm, the example unit of node_exporter, and the packages of
// host_exporter.
var variables = []string{"ARGS", "NODE_EXPORTER_OPTS", "OPTIONS", "HOST_EXPORTER_OPTS"}

// Read finds the arguments in the texts of files: an environment file, a systemd
// unit and its environment files, or a manifest of Kubernetes. A text that is
// none of them is read as a command line.
func Read(texts ...[]byte) (Source, error) {
	env := map[string]string{}
	var unit, manifest, command []byte
	for _, text := range texts {
		switch {
		case regexp.MustCompile(`(?m)^\s*ExecStart\s*=`).Match(text):
			unit = text
		case regexp.MustCompile(`(?m)^\s*(apiVersion|kind|args|containers)\s*:`).Match(text):
			manifest = text
		case regexp.MustCompile(`(?m)^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_]*=`).Match(text):
			readEnvironment(text, env)
		default:
			command = text
		}
	}
	switch {
	case unit != nil:
		return readUnit(unit, env)
	case manifest != nil:
		return readManifest(manifest)
	case len(env) > 0:
		for _, name := range variables {
			if value, ok := env[name]; ok {
				return Source{Variable: name, Args: splitVariable(value)}, nil
			}
		}
		return Source{}, fmt.Errorf("want a variable %s", strings.Join(variables, ", "))
	}
	return readCommand(splitShell(string(command)))
}

// readEnvironment reads an environment file as systemd does, see
// EnvironmentFile= in systemd.exec(5).
func readEnvironment(text []byte, env map[string]string) {
	for _, line := range logicalLines(text) {
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "export "))
		if !ok || strings.HasPrefix(name, "#") || strings.HasPrefix(name, ";") {
			continue
		}
		env[name] = unquoteVariable(strings.TrimSpace(value))
	}
}

// unquoteVariable undoes the quoting of a value in an environment file: within
// double quotes a backslash escapes " \ ` and $ only, outside of quotes any
// character, within single quotes none.
func unquoteVariable(s string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			if quote == '"' && !strings.ContainsRune("\"\\`$", rune(s[i])) {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// readUnit reads the command of a unit's ExecStart=, and replaces the variables
// in it.
func readUnit(text []byte, env map[string]string) (Source, error) {
	var line string
	for _, l := range logicalLines(text) {
		name, value, ok := strings.Cut(l, "=")
		switch strings.TrimSpace(name) {
		case "ExecStart":
			if ok && strings.TrimSpace(value) != "" {
				line = value
			}
		case "Environment":
			for _, assignment := range splitCommand(value) {
				if name, value, ok := strings.Cut(assignment, "="); ok {
					env[name] = value
				}
			}
		}
	}
	words := splitCommand(strings.TrimLeft(strings.TrimSpace(line), "@-:+!|"))
	var expanded []string
	var s Source
	for _, w := range words {
		name, ok := strings.CutPrefix(w, "$")
		if !ok || strings.HasPrefix(w, "$$") {
			expanded = append(expanded, strings.NewReplacer("$$", "$", "%%", "%").Replace(w))
			continue
		}
		name = strings.Trim(name, "{}")
		value, known := env[name]
		if !known {
			s.Notes = append(s.Notes, fmt.Sprintf("the unit takes arguments from $%s: give the file that sets it, too", name))
			continue
		}
		s.Variable = name
		expanded = append(expanded, splitVariable(value)...)
	}
	found, err := readCommand(expanded)
	if err != nil {
		return s, err
	}
	s.Program, s.Args = found.Program, found.Args
	return s, nil
}

// readCommand takes the program off a command line, and what stands before it.
func readCommand(words []string) (Source, error) {
	if len(words) == 0 {
		return Source{}, errors.New("want the arguments of a node_exporter, have none")
	}
	if i := slices.IndexFunc(words, isNodeExporter); i >= 0 {
		return Source{Program: words[i], Args: words[i+1:]}, nil
	}
	if !strings.HasPrefix(words[0], "-") {
		return Source{Program: words[0], Args: words[1:]}, nil
	}
	return Source{Args: words}, nil
}

func isNodeExporter(word string) bool {
	name := path.Base(word)
	return !strings.HasPrefix(word, "-") && (strings.Contains(name, "node_exporter") || strings.Contains(name, "node-exporter"))
}

// readManifest reads the arguments of the container of node_exporter in a
// manifest of one or several documents.
func readManifest(text []byte) (Source, error) {
	var found []Source
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document any
		if err := d.Decode(&document); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Source{}, fmt.Errorf("not valid YAML: %s", firstLine(err))
		}
		walk(document, func(m map[string]any) {
			if words := append(stringsOf(m["command"]), stringsOf(m["args"])...); len(words) > 0 {
				s, _ := readCommand(words)
				if _, isContainer := m["image"].(string); isContainer {
					s.Program, _ = m["image"].(string)
				}
				found = append(found, s)
			}
		})
	}
	if i := slices.IndexFunc(found, func(s Source) bool { return isNodeExporter(strings.Split(s.Program+":", ":")[0]) }); i >= 0 {
		return found[i], nil
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return Source{}, fmt.Errorf("want one container of node_exporter with args, have %d others", len(found))
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// walk calls fn for each mapping in a document.
func walk(v any, fn func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		fn(v)
		for _, name := range sortedKeys(v) {
			walk(v[name], fn)
		}
	case []any:
		for _, item := range v {
			walk(item, fn)
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func stringsOf(v any) []string {
	list, _ := v.([]any)
	var words []string
	for _, item := range list {
		words = append(words, fmt.Sprint(item))
	}
	return words
}
