package collector

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestNames holds every collector to its one name: of the flag, the file and
// the fixture.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, spec := range Catalog() {
		if seen[spec.Name] {
			t.Errorf("two collectors are called %s", spec.Name)
		}
		seen[spec.Name] = true
		if spec.Help == "" || !strings.HasSuffix(spec.Help, ".") || strings.Contains(spec.Help, ". ") {
			t.Errorf("%s: the help should be one sentence, have %q", spec.Name, spec.Help)
		}
		var code, hosts []string
		for _, domain := range domainNames() {
			found, _ := filepath.Glob(filepath.Join(domain, spec.Name+".go"))
			code = append(code, found...)
			found, _ = filepath.Glob(filepath.Join("../testdata", domain, spec.Name+".host"))
			hosts = append(hosts, found...)
		}
		if len(code) != 1 || len(hosts) != 1 {
			t.Errorf("%s: want one file %[1]s.go and one %[1]s.host, have %v, %v", spec.Name, code, hosts)
		}
		for _, path := range slices.Concat(spec.Reads, spec.OptionalReads) {
			if !filepath.IsAbs(path) {
				t.Errorf("%s reads %q, which is not absolute", spec.Name, path)
			}
		}
	}
}

// domainNames are the folders of the collectors.
func domainNames() []string {
	var names []string
	for _, d := range Domains() {
		names = append(names, d.Name)
	}
	return names
}

// TestEverySpecIsListed finds data sheets that a domain forgot to list.
func TestEverySpecIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, spec := range Catalog() {
		listed[spec.Name] = true
	}
	for _, domain := range domainNames() {
		eachFile(t, domain, func(path string, file *ast.File) {
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				sel, ok := lit.Type.(*ast.SelectorExpr)
				if !ok || sel.Sel.Name != "Spec" {
					return true
				}
				for _, e := range lit.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Name" {
						if name := strings.Trim(kv.Value.(*ast.BasicLit).Value, `"`); !listed[name] {
							t.Errorf("%s: collector %s is not listed in the domain's Collectors()", path, name)
						}
					}
				}
				return false
			})
		})
	}
}

func eachFile(t *testing.T, dir string, fn func(path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			fn(path, file)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestImports keeps the packages apart, each rule with its reason.
func TestImports(t *testing.T) {
	const module = "github.com/hostexporter/host_exporter/collector/"
	forbidden := []struct{ within, imports, reason string }{
		{"cpu|memory|network|storage|hba|hardware|kernel", `^os/exec$`, "only checks may start a process"},
		{".*", `^github.com/alecthomas/kingpin`, "only main knows how flags are parsed"},
		{"cpu|memory|network|storage|hba|hardware|kernel|checks", `^` + module + `internal/(web|config|scrape|golden)`, "a collector knows neither HTTP nor other collectors"},
		{"cpu|memory|network|storage|hba|hardware|kernel|checks", `^net/http$`, "a collector knows no HTTP"},
		{"cpu|memory|network|storage|hba|hardware|kernel", `^os$`, "files, clock and host come from collect.Env"},
	}
	for _, domain := range append(domainNames(), "internal") {
		eachFile(t, domain, func(path string, file *ast.File) {
			for _, spec := range file.Imports {
				imported := strings.Trim(spec.Path.Value, `"`)
				for _, rule := range forbidden {
					if regexp.MustCompile(`^(`+rule.within+`)(/|$)`).MatchString(path) && regexp.MustCompile(rule.imports).MatchString(imported) {
						t.Errorf("%s imports %s: %s", path, imported, rule.reason)
					}
				}
				for _, other := range domainNames() {
					if domain != other && strings.HasPrefix(imported, module+other) {
						t.Errorf("%s imports %s: domains do not know each other", path, imported)
					}
				}
			}
		})
	}
}

func TestNoInitNoGlobals(t *testing.T) {
	eachFile(t, ".", func(path string, file *ast.File) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function", path)
			}
		}
	})
}

// TestFamilies checks that a family has one owner, and that some golden file
// shows it.
func TestFamilies(t *testing.T) {
	shown := goldenFamilies(t)
	owner := map[string]string{}
	for _, spec := range Catalog() {
		for _, f := range emptyUnit(t, spec).Set().Families() {
			if other := owner[f.Name()]; other != "" {
				t.Errorf("%s belongs to %s and to %s", f.Name(), other, spec.Name)
			}
			owner[f.Name()] = spec.Name
			if !shown[f.Name()] {
				t.Errorf("%s: no golden file shows %s", spec.Name, f.Name())
			}
		}
	}
}

// TestDropIn checks that the collectors there are have all the families that a
// drop-in must have, and are on or off as they should be.
func TestDropIn(t *testing.T) {
	shown := goldenFamilies(t)
	specs := map[string]collect.Spec{}
	for _, spec := range Catalog() {
		specs[spec.Name] = spec
	}
	contract := golden.Inherited(t)
	for _, name := range slices.Sorted(maps.Keys(contract)) {
		c := contract[name]
		spec, ok := specs[c.Collector]
		switch {
		case !ok || notOnLinux[name]:
		case spec.DisabledByDefault != c.Off:
			t.Errorf("%s: off by default is %v, want %v", spec.Name, spec.DisabledByDefault, c.Off)
		case !shown[name]:
			t.Errorf("%s: no golden file shows %s", spec.Name, name)
		}
	}
}

// notOnLinux are families of the list that no Linux host has.
var notOnLinux = map[string]bool{
	"node_filesystem_purgeable_bytes": true, // only macOS can tell it
}

func emptyUnit(t *testing.T, spec collect.Spec) *collect.Unit {
	t.Helper()
	dir := t.TempDir()
	h := host.Live(host.Paths{Procfs: dir, Sysfs: dir, Rootfs: dir, UdevData: dir})
	u, err := collect.NewUnit(spec, h, log.NewNopLogger(), func(string) bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func goldenFamilies(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../testdata/*/*.prom")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
				name, _, _ := strings.Cut(rest, " ")
				shown[name] = true
			}
		}
	}
	return shown
}
