package collector

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoGlobalState checks that no package has an init function, and that every
// package-level variable is an error, a table or a regular expression: no code
// changes it or takes its address.
func TestNoGlobalState(t *testing.T) {
	fset := token.NewFileSet()
	files := map[string][]*ast.File{} // by folder
	eachFile(t, ".", func(name string, _ *ast.File) {
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(name)
		files[dir] = append(files[dir], file)
	})
	variables, changes := map[string]token.Pos{}, map[string]token.Pos{} // by import path and name
	for _, dir := range slices.Sorted(maps.Keys(files)) {
		p := newGlobals(fset, dir, files[dir])
		maps.Copy(variables, p.variables)
		maps.Copy(changes, p.changes)
		for _, problem := range p.problems {
			t.Error(problem)
		}
	}
	for name, pos := range changes {
		if _, ok := variables[name]; ok {
			t.Errorf("%v: %s is a package-level variable that changes", fset.Position(pos), name)
		}
	}
}

// TestGlobals checks what newGlobals finds.
func TestGlobals(t *testing.T) {
	const declarations = "package p; import \"sync\"; type T struct{ n int; m map[string]int }; func (t *T) set() {}; func (t T) get() {}\n"
	for text, want := range map[string]bool{
		"var x = []int{1}; func f() int { return x[0] }":          false,
		"var x = []int{1}; func f() { x := x; x[0] = 2 }":         false, // through a copy: not found
		"var x = []int{1}; func f() { x[0] = 2 }":                 true,
		"var x int; func f() { x++ }":                             true,
		"var x T; func f() { x.n = 1 }":                           true,
		"var x T; func f() { x.m[\"a\"] += 1 }":                   true,
		"var x = &T{}; func f() { *x = T{} }":                     true,
		"var x T; func f() *int { return &x.n }":                  true,
		"var x T; func f() { x.set() }":                           true,
		"var x T; func f() { x.get() }":                           false,
		"var x T; func f() { for x.n = range 3 {} }":              true,
		"var x = map[string]int{}; func f() { delete(x, \"a\") }": true,
		"var x = map[string]int{}; func f() { clear(x) }":         true,
		"var x sync.Mutex":                                        true,
		"var x = sync.Pool{}":                                     true,
		"var x = struct{ mu sync.Mutex }{}":                       true,
		"func f() { var x sync.Mutex; x.Lock() }":                 false,
		"func init() {}":                                          true,
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "p.go", declarations+text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p := newGlobals(fset, "p", []*ast.File{file})
		if have := len(p.problems)+len(p.changes) > 0; have != want {
			t.Errorf("%s: state %v, want %v", text, have, want)
		}
	}
}

// A globals is what TestNoGlobalState finds in one package.
type globals struct {
	path      string // import path
	info      types.Info
	variables map[string]token.Pos // declarations of variables
	changes   map[string]token.Pos // changes of variables, of other packages too
	problems  []string
}

func newGlobals(fset *token.FileSet, dir string, files []*ast.File) *globals {
	g := &globals{
		path:      module + filepath.ToSlash(dir),
		info:      types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}},
		variables: map[string]token.Pos{}, changes: map[string]token.Pos{},
	}
	// The errors are those of names in imported packages, which are empty.
	c := types.Config{Importer: emptyImporter{}, Error: func(error) {}}
	pkg, _ := c.Check(g.path, fset, files, &g.info)
	for _, name := range pkg.Scope().Names() {
		if v, ok := pkg.Scope().Lookup(name).(*types.Var); ok {
			g.variables[g.path+"."+name] = v.Pos()
		}
	}
	for _, file := range files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					g.problems = append(g.problems, fset.Position(d.Pos()).String()+": an init function")
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR && g.usesSync(d) {
					g.problems = append(g.problems, fset.Position(d.Pos()).String()+": a package-level variable with a type of package sync")
				}
			}
			ast.Inspect(d, g.visit)
		}
	}
	return g
}

// usesSync reports whether a declaration names a type of package sync or
// sync/atomic, outside functions.
func (g *globals) usesSync(d *ast.GenDecl) (found bool) {
	ast.Inspect(d, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok {
			if p, ok := g.info.Uses[ident].(*types.PkgName); ok && strings.HasPrefix(p.Imported().Path(), "sync") {
				found = true
			}
		}
		_, isFunc := n.(*ast.FuncLit)
		return !isFunc
	})
	return found
}

// visit records the variables that a node changes.
func (g *globals) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, x := range n.Lhs {
				g.change(x)
			}
		}
	case *ast.IncDecStmt:
		g.change(n.X)
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			g.change(n.Key)
			g.change(n.Value)
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			g.change(n.X)
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (f.Name == "delete" || f.Name == "clear" || f.Name == "copy") {
			g.change(n.Args[0])
		}
	case *ast.SelectorExpr:
		// A method with a pointer receiver takes the address of its operand.
		if s := g.info.Selections[n]; s != nil && s.Kind() == types.MethodVal {
			_, toPointer := s.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer)
			_, isPointer := s.Recv().(*types.Pointer)
			if toPointer && !isPointer {
				g.change(n.X)
			}
		}
	}
	return true
}

// change records that the variable at the root of an expression changes.
func (g *globals) change(x ast.Expr) {
	switch x := x.(type) {
	case *ast.Ident:
		if v, ok := g.info.Uses[x].(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
			g.changes[g.path+"."+x.Name] = x.Pos()
		}
	case *ast.SelectorExpr:
		if ident, ok := x.X.(*ast.Ident); ok {
			if p, ok := g.info.Uses[ident].(*types.PkgName); ok {
				g.changes[p.Imported().Path()+"."+x.Sel.Name] = x.Pos()
				return
			}
		}
		g.change(x.X)
	case *ast.IndexExpr:
		g.change(x.X)
	case *ast.SliceExpr:
		g.change(x.X)
	case *ast.StarExpr:
		g.change(x.X)
	case *ast.ParenExpr:
		g.change(x.X)
	}
}

// An emptyImporter imports packages without declarations.
type emptyImporter struct{}

func (emptyImporter) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}
