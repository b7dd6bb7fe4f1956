package collector

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
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

// TestNames checks that the name of every collector is unique, and is that of
// its file and its fixture.
func TestNames(t *testing.T) {
	names := map[string]bool{}
	for _, spec := range Catalog() {
		if names[spec.Name] {
			t.Errorf("two collectors have the name %s", spec.Name)
		}
		names[spec.Name] = true
		if spec.Help == "" || !strings.HasSuffix(spec.Help, ".") || strings.Contains(spec.Help, ". ") {
			t.Errorf("%s: want a help of one sentence, have %q", spec.Name, spec.Help)
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
				t.Errorf("%s: want an absolute path, have %q", spec.Name, path)
			}
		}
	}
}

// domainNames returns the names of the domains, which are those of their
// folders.
func domainNames() []string {
	var names []string
	for _, d := range Domains() {
		names = append(names, d.Name)
	}
	return names
}

// TestCatalog checks that the catalog has every data sheet.
func TestCatalog(t *testing.T) {
	names := map[string]bool{}
	for _, spec := range Catalog() {
		names[spec.Name] = true
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
						if name := strings.Trim(kv.Value.(*ast.BasicLit).Value, `"`); !names[name] {
							t.Errorf("%s: the domain's Collectors() lacks %s", path, name)
						}
					}
				}
				return false
			})
		})
	}
}

// eachFile calls fn for every Go file below a folder, except tests.
func eachFile(t *testing.T, dir string, fn func(path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err == nil {
			fn(path, file)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// module is the import path of this package with a slash.
const module = "github.com/hostexporter/host_exporter/collector/"

// TestImports checks that packages do not import what they must not know.
func TestImports(t *testing.T) {
	forbidden := []struct{ within, imports, reason string }{
		{"cpu|memory|network|storage|hba|hardware|kernel", `^os/exec$`, "only checks may start a process"},
		{".*", `^github.com/alecthomas/kingpin`, "only main knows how flags are parsed"},
		{"cpu|memory|network|storage|hba|hardware|kernel|checks", `^` + module + `(internal/(web|config|scrape|test|tool)|exporter)`, "a collector knows neither HTTP nor other collectors"},
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
					if domain != other && !strings.HasPrefix(path, "internal/test/") && strings.HasPrefix(imported, module+other) {
						t.Errorf("%s imports %s: a domain does not know other domains", path, imported)
					}
				}
			}
		})
	}
}

// TestPackagesOfBinary checks that the program has no test code, and that every
// package of the machinery is in the program.
func TestPackagesOfBinary(t *testing.T) {
	list := func(args ...string) []string {
		t.Helper()
		out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
		if err != nil {
			t.Skipf("go list: %v", err)
		}
		return strings.Fields(string(out))
	}
	isTest := regexp.MustCompile(`^` + module + `internal/(test|tool)(/|$)`).MatchString
	binary := list("-deps", "..")
	for _, path := range binary {
		if isTest(path) {
			t.Errorf("the program has %s", path)
		}
	}
	for _, path := range list("./internal/...") {
		if !isTest(path) && !slices.Contains(binary, path) {
			t.Errorf("the program lacks %s: want it below internal/test or internal/tool", path)
		}
	}
}

// TestFamilies checks that each family has one collector, and is in a golden
// file.
func TestFamilies(t *testing.T) {
	inGolden := goldenFamilies(t)
	collectors := map[string]string{} // by family
	for _, spec := range Catalog() {
		for _, f := range golden.NewUnit(t, spec).Set().Families() {
			if other := collectors[f.Name()]; other != "" {
				t.Errorf("%s belongs to %s and to %s", f.Name(), other, spec.Name)
			}
			collectors[f.Name()] = spec.Name
			if !inGolden[f.Name()] {
				t.Errorf("%s: no golden file has %s", spec.Name, f.Name())
			}
		}
	}
}

// TestDropIn checks that the collectors have all families of node_exporter, and
// are enabled by default as there.
func TestDropIn(t *testing.T) {
	inGolden := goldenFamilies(t)
	specs := map[string]collect.Spec{}
	for _, spec := range Catalog() {
		specs[spec.Name] = spec
	}
	contract := golden.Inherited(t)
	for _, name := range slices.Sorted(maps.Keys(contract)) {
		c := contract[name]
		spec, ok := specs[c.Collector]
		switch {
		case notOnLinux[name] || c.Collector == everyCollector:
		case !ok:
			t.Errorf("%s: collector %s is missing", name, c.Collector)
		case spec.DisabledByDefault != c.Off:
			t.Errorf("%s: off by default is %v, want %v", spec.Name, spec.DisabledByDefault, c.Off)
		case !inGolden[name]:
			t.Errorf("%s: no golden file has %s", spec.Name, name)
		}
	}
}

// everyCollector stands for the families that the engine has for each collector.
const everyCollector = "(every collector)"

// TestNative checks which collectors node_exporter does not have: those without
// a flag of theirs there.
func TestNative(t *testing.T) {
	flags, err := os.ReadFile("../testdata/compatible-flags.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range Catalog() {
		if native := !strings.Contains(string(flags), "\ncollector."+spec.Name+"\t"); spec.Native != native {
			t.Errorf("%s: native is %v, want %v", spec.Name, spec.Native, native)
		}
	}
}

// notOnLinux are families of node_exporter that no Linux host has.
var notOnLinux = map[string]bool{
	"node_filesystem_purgeable_bytes": true, // of macOS
}

// TestIncludeAndExclude checks which collectors accept both options of a filter:
// as in node_exporter, all but three, and all but those that it does not have.
func TestIncludeAndExclude(t *testing.T) {
	refusing := []string{"diskstats", "filesystem", "hba", "netdev"}
	for _, spec := range Catalog() {
		fields := map[string]bool{}
		for _, f := range spec.Build.Fields() {
			fields[f.Name] = true
		}
		for name := range fields {
			what, ok := strings.CutSuffix(name, "-include")
			if !ok || what == "interface" || !fields[what+"-exclude"] { // several collectors share interface, as an additional filter
				continue
			}
			options := map[string][]string{name: {"a"}, what + "-exclude": {"b"}}
			_, err := collect.NewUnit(spec, host.Live(host.Paths{}), log.NewNopLogger(), nil, options)
			if want := slices.Contains(refusing, spec.Name); (err != nil) != want {
				t.Errorf("%s with %v: %v, want an error: %v", spec.Name, options, err, want)
			}
		}
	}
}

// goldenFamilies returns the families in golden files.
func goldenFamilies(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../testdata/*/*.prom")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
				name, _, _ := strings.Cut(rest, " ")
				names[name] = true
			}
		}
	}
	return names
}
